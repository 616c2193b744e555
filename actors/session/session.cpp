// SPDX-License-Identifier: Apache-2.0
// A session's life while its connection lives: bound, live, timed. What it takes and passes on is in
// session_frames.cpp, how it ends in session_end.cpp.
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/delivery/session_table.hpp"

#include <openssl/rand.h>

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds look_again{1000};

resume_secret random_secret() {
  // Not the loop's generator: a secret must not be guessable from other numbers a client sees.
  resume_secret secret;
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
    std::terminate(); // OpenSSL without entropy: no secret would be one
  return secret;
}

/// At random below `most`.
std::chrono::milliseconds random_below(loop_env &host, std::chrono::milliseconds most) {
  if (most.count() <= 0)
    return {};
  return std::chrono::milliseconds{
      static_cast<int64_t>(host.random()() % static_cast<uint64_t>(most.count()))};
}

} // namespace

session::session(caf::actor_config &cfg, loop_env &host, session_services &services, session_ref ref,
                 hosted_ptr<connection> device, identity who, const std::optional<resume_token> &resume)
    : hosted_actor{cfg, host}, services_{services}, ref_{ref}, me_{std::move(who.who)},
      device_{std::move(device)}, secret_{random_secret()}, binding_{resume} {
  timetable_.set_token_end(token_end_of(who.expires_s, host.now(), host.wall_now()));
  host.counters().session_opened();
}

session_turn session::turn() noexcept {
  return {services_, me_, ref_, binding_.ep(), host().now(), device_.get(), binding_.is_live()};
}

void session::end_turn(const session_turn &t) {
  if (t.too_slow)
    leave(net::close_code::slow, "slow", "this device does not read what is sent to it");
}

// -- bound ----

void session::start() {
  // What the device sends before its `welcome` waits in the kernel; what came with the handshake waits in
  // `inbound_`.
  device_->wait();
  auto &lim = host().lim();
  timetable_.start(host().now(), lim.session_lifetime - random_below(host(), lim.session_dither));
  if (!binding_.ask(turn(), host().context().lease_until())) {
    host().counters().rejected("bind_queue");
    leave(net::close_code::overloaded, "overloaded", "too many devices are connecting at once, retry later");
    end();
  }
}

void session::on_bound(const bind_answer &answer) {
  auto what = binding_.on_bound(answer, turn(), host().context().lease_until());
  switch (what) {
  case binding::answer::late:
    return;
  case binding::answer::refused:
  case binding::answer::unknown:
    host().counters().rejected("directory");
    if (device_)
      device_->close(net::close_code::overloaded, "overloaded", "the directory does not answer, retry later");
    if (what == binding::answer::refused) {
      give_up_binding();
    } else {
      timetable_.wait_until(host().now() + binder::answer_time);
      arm_timer();
    }
    return;
  case binding::answer::given_up:
    if (device_ && device_->is_usable())
      device_->close(net::close_code::superseded, "superseded",
                     "a newer connection of this device took over");
    give_up_binding();
    return;
  case binding::answer::resuming:
    timetable_.wait_until(host().now() + host().lim().hand_over_timeout);
    arm_timer();
    return;
  case binding::answer::live:
    become_live(false);
    return;
  }
}

void session::on_record_found(const lookup_answer &answer) {
  if (binding_.where() != phase::asking)
    return;
  if (binding_.on_record_found(answer, turn(), host().context().lease_until())) {
    timetable_.wait_until(host().now() + look_again);
    arm_timer();
  } else {
    give_up_binding();
  }
}

void session::on_handed_over(std::unique_ptr<session_state> state) {
  if (binding_.where() != phase::resuming) {
    if (!state)
      return;
    auto t = turn();
    ledger_.take_late(std::move(*state), t);
    end_turn(t);
    arm_timer();
    return;
  }
  host().counters().handover(state ? "resumed" : "refused");
  auto resumed = state != nullptr;
  if (state)
    ledger_.take(std::move(*state));
  become_live(resumed);
}

void session::become_live(bool resumed) {
  binding_.become(phase::live);
  timetable_.wait_no_longer();
  arm_timer();
  auto &lim = host().lim();
  auto t = turn();
  auto token = to_text(resume_token{services_.inc, ref_, secret_});
  auto &frame = t.frame();
  net::encode(device_->encoding(), frame,
              net::welcome_frame{me_->device.str(), me_->account.str(), token, resumed,
                                 static_cast<uint32_t>(lim.ping_interval.count()),
                                 static_cast<uint32_t>(lim.max_frame_bytes), lim.message_rate,
                                 lim.message_burst, static_cast<uint32_t>(lim.max_timeout.count())});
  device_->send(frame, false);
  auto early = inbound_.take_early();
  // First what the device may have missed, then what is new.
  outbound_.redeliver(ledger_, t);
  ledger_.tell_owed(t);
  ledger_.give_up_unlinked(t);
  end_turn(t);
  for (auto &[by, e] : outbound_.take_held()) {
    if (takes_messages(by))
      deliver(std::move(e), by);
    else
      services_.messages.send_back(ref_, by, std::move(e));
  }
  for (auto &text : early) {
    if (!binding_.is_live())
      return;
    // The codec may read a little behind the text.
    auto size = text.size();
    text.resize(size + net::event_loop::read_slack);
    on_frame({text.data(), size});
  }
  if (device_)
    device_->go_on();
}

// -- time ----

void session::arm_timer() {
  auto next = std::min(timetable_.next(binding_.is_live(), host().lim()), ledger_.next_due());
  if (next == time_point::max())
    timer_.cancel();
  else
    host().io().timers().schedule(timer_, next);
}

void session::on_timer() {
  auto keep = self();
  auto t = turn();
  ledger_.give_up_overdue(t);
  end_turn(t);
  switch (timetable_.at(t.now, binding_.is_live(), host().lim())) {
  case timetable::due::nothing:
    break;
  case timetable::due::wait_over:
    timetable_.wait_no_longer();
    if (binding_.where() == phase::asking) {
      services_.directory.find_record(me_->device, ref_);
    } else if (binding_.where() == phase::resuming) {
      host().counters().handover("timed_out");
      become_live(false);
    } else if (binding_.where() == phase::detached) {
      end();
    }
    return;
  case timetable::due::close:
    leave(net::close_code::recycled, to_string(timetable_.why()), "reconnect");
    return;
  case timetable::due::token_expired:
    leave(net::close_code::token_expired, "token_expired", "the token has expired");
    return;
  case timetable::due::token_warning: {
    // Not a `go_away`: a fresh token on this connection is what is wanted.
    timetable_.warn_of_token();
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(timetable_.token_left(t.now));
    auto &frame = t.frame();
    net::encode(device_->encoding(), frame, net::goaway_frame{static_cast<uint32_t>(left.count()), "token"});
    device_->send(frame, false);
    break;
  }
  case timetable::due::recycle:
    go_away(goaway::recycle, random_below(host(), std::chrono::milliseconds{1000}));
    break;
  }
  arm_timer();
}

session_info session::info() {
  auto heard = counters().last_active_ms;
  if (device_)
    heard = std::max(heard, device_->counters().last_active_ms);
  auto now = host().now();
  session_info x;
  x.at = {services_.node, services_.inc, ref_, binding_.ep()};
  x.account = me_->account;
  x.state = binding_.name();
  x.bound = binding_.word() == hold_word::held;
  x.connected = static_cast<bool>(device_);
  x.age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(timetable_.age(now)).count();
  // One that nothing was sent to or by was heard when it connected.
  x.heard_ms = std::clamp<int64_t>(in_ms(now) - heard, 0, x.age_ms);
  x.unsent = static_cast<uint32_t>(queue_length());
  x.unacked = static_cast<uint32_t>(ledger_.unacked());
  x.owed = static_cast<uint32_t>(ledger_.owed());
  return x;
}

} // namespace stentor::actors
