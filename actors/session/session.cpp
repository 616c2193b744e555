// SPDX-License-Identifier: Apache-2.0
// A session's life: bound, live, timed.
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session_services.hpp"

#include "actors/telemetry/log.hpp"

#include <openssl/rand.h>

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds look_again{1000};
constexpr uint8_t max_looks = 10; // what then still stands, the auditor finds

resume_secret random_secret() {
  // Not the loop's generator: a secret must not be guessable from other numbers a client sees.
  resume_secret secret;
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
    std::terminate(); // OpenSSL without entropy: no secret would be one
  return secret;
}

} // namespace

session::session(caf::actor_config &cfg, loop_env &host, session_services &services, session_ref ref,
                 hosted_ptr<connection> link, identity who, const std::optional<resume_token> &resume)
    : hosted_actor{cfg, host}, services_{services}, ref_{ref}, me_{std::move(who.who)},
      token_expires_s_{who.expires_s}, link_{std::move(link)}, secret_{random_secret()},
      early_{std::make_unique<early>()} {
  early_->resume = resume;
  host.counters().session_opened();
}

session::~session() = default;

void session::start() {
  // What the device sends before its `welcome` waits in the kernel; what came with the handshake waits in
  // `early_`.
  link_->wait();
  started_at_ = host().now();
  auto &lim = host().lim();
  auto dither = std::chrono::milliseconds{
      lim.session_dither.count() > 0
          ? static_cast<int64_t>(host().random()() % static_cast<uint64_t>(lim.session_dither.count()))
          : 0};
  recycle_at_ = host().now() + lim.session_lifetime - dither;
  plan_token_end();
  bind();
}

// -- the directory ----

void session::bind() {
  auto &ctx = host().context();
  storage::bind_request request{
      me_->device, me_->account, {ctx.id, ctx.inc, ref_, 0}, superseded_by_, ctx.lease_until()};
  if (!services_.directory.bind(std::move(request))) {
    host().counters().rejected("bind_queue");
    leave(net::close_code::overloaded, "overloaded", "too many devices connect at once, retry later");
    end();
  }
}

void session::on_bound(const bind_answer &answer) {
  if (mode_ != mode::binding) {
    if (answer.error == errc::none)
      undo_bind(answer);
    else if (answer.error == errc::timed_out)
      services_.directory.watch_for_record(me_->device, ref_);
    return;
  }
  if (answer.error != errc::none) {
    host().counters().rejected("directory");
    if (link_)
      link_->close(net::close_code::overloaded, "overloaded", "the directory does not answer, retry later");
    // The outcome is unknown: a record of ours may stand, or will within the time the bind has.
    if (answer.error == errc::timed_out) {
      close_at_ = host().now() + binder::answer_time;
      arm_timer();
    } else {
      give_up_binding();
    }
    return;
  }
  epoch_ = answer.ep;
  auto lives = link_ && link_->is_usable();
  if (!lives || superseded_by_ > epoch_) {
    undo_bind(answer);
    if (lives)
      link_->close(net::close_code::superseded, "superseded", "a newer connection of this device took over");
    give_up_binding();
    return;
  }
  auto &ctx = host().context();
  auto &resume = early_->resume;
  auto is_reachable = [&](incarnation inc, const session_ref &ref) {
    return inc == ctx.inc ? ref.loop < ctx.cfg.loops && ref != ref_ : services_.links.is_up(inc);
  };
  auto asks = resume && is_reachable(resume->inc, resume->session);
  // The question first: it is the notice, too, and whoever was told before it has given its messages back.
  if (asks)
    ask_for_state(*resume);
  if (answer.previous && !(answer.previous->inc == ctx.inc && answer.previous->session == ref_))
    services_.directory.supersede(*answer.previous, me_->device, epoch_);
  if (!asks)
    become_live(false);
}

/// It left before it was bound: nothing may stand for it, and whoever had the device before may have it
/// still.
void session::undo_bind(const bind_answer &answer) {
  services_.directory.give_back({me_->device, answer.ep, host().context().lease_until()}, me_->account,
                                superseded_by_ > answer.ep ? caf::none : answer.previous);
}

void session::look_for_own_record() {
  ++bind_tries_;
  services_.directory.lookup(me_->device, [keep = self(), this](const lookup_answer &answer) {
    if (mode_ != mode::binding)
      return;
    auto &ctx = host().context();
    if (answer.error != errc::none && bind_tries_ < max_looks) {
      close_at_ = host().now() + look_again;
      arm_timer();
      return;
    }
    if (answer.found && answer.found->at.inc == ctx.inc && answer.found->at.session == ref_)
      services_.directory.give_back_unknown({me_->device, answer.found->at.ep, ctx.lease_until()});
    give_up_binding();
  });
}

void session::ask_for_state(const resume_token &resume) {
  mode_ = mode::resuming;
  close_at_ = host().now() + host().lim().hand_over_timeout;
  arm_timer();
  auto question = std::make_unique<items::hand_over>();
  question->to = resume.session;
  question->device = me_->device;
  question->newer = epoch_;
  question->proof = proof_of(resume.secret, me_->account);
  question->requester = ref_;
  question->from.loop = host().index();
  services_.outbox.put(place{resume.inc, 0, resume.session.loop}, std::move(question));
}

void session::give_up_binding() {
  mode_ = mode::leaving;
  send_back_held();
  if (!link_)
    end();
}

void session::on_handed_over(std::unique_ptr<session_state> state) {
  if (mode_ != mode::resuming) {
    // Too late, the device was told `resumed:false`: it gets the verdicts it is owed, and nobody waits for
    // its acks.
    if (!state)
      return;
    for (auto &owed : std::exchange(state->owed, {}))
      say(std::move(owed));
    settle_unconfirmed(*state);
    say_unknown(state_.open.adopt(std::move(state->open)));
    give_up_unlinked();
    arm_timer();
    return;
  }
  host().counters().handover(state ? "resumed" : "refused");
  auto resumed = state != nullptr;
  if (state)
    state_ = std::move(*state);
  become_live(resumed);
}

void session::become_live(bool resumed) {
  mode_ = mode::live;
  close_at_ = time_point::max();
  arm_timer();
  auto &lim = host().lim();
  auto token = to_text(resume_token{host().context().inc, ref_, secret_});
  auto &frame = host().scratch();
  net::encode(link_->encoding(), frame,
              net::welcome_frame{me_->device.str(), me_->account.str(), token, resumed,
                                 static_cast<uint32_t>(lim.ping_interval.count()),
                                 static_cast<uint32_t>(lim.max_frame_bytes), lim.message_rate,
                                 lim.message_burst, static_cast<uint32_t>(lim.max_timeout.count())});
  link_->send(frame, false);
  auto begun = std::move(early_);
  // First what the device may have missed, then what is new.
  redeliver();
  for (auto &owed : std::exchange(state_.owed, {}))
    say(std::move(owed));
  give_up_unlinked();
  for (auto &[ep, e] : begun->held) {
    if (takes_messages(ep))
      deliver(std::move(e), ep);
    else
      services_.messages.send_back(ref_, ep, std::move(e));
  }
  for (auto &text : begun->frames) {
    if (mode_ != mode::live)
      return;
    // The codec may read a little behind the text.
    auto size = text.size();
    text.resize(size + net::event_loop::read_slack);
    on_frame({text.data(), size});
  }
  if (link_)
    link_->go_on();
}

// -- time ----

void session::plan_token_end() {
  token_end_ = time_point::max();
  if (token_expires_s_ == 0)
    return;
  // The token's clock is the wall clock: what is left of it is counted on ours from now on.
  token_end_ = after(host().now(), std::chrono::milliseconds{token_expires_s_ * 1000 - host().wall_now()});
  token_warned_ = false;
}

bool session::refresh(identity who) {
  if (who.who->device != me_->device || who.who->account != me_->account)
    return false;
  me_ = std::move(who.who);
  token_expires_s_ = who.expires_s;
  plan_token_end();
  arm_timer();
  return true;
}

void session::arm_timer() {
  auto next = std::min(close_at_, state_.open.next_due());
  if (mode_ == mode::live) {
    auto &lim = host().lim();
    if (!warned_)
      next = std::min(next, recycle_at_);
    if (token_end_ != time_point::max())
      next = std::min(next, token_warned_ ? token_end_ + lim.token_grace : token_end_ - lim.token_warning);
  }
  if (next == time_point::max())
    timer_.cancel();
  else
    host().io().timers().schedule(timer_, next);
}

void session::on_timer() {
  auto keep = self();
  auto now = host().now();
  say_unknown(state_.open.take_overdue(now));
  if (mode_ != mode::live && now < close_at_) {
    arm_timer();
    return;
  }
  switch (mode_) {
  case mode::binding:
    close_at_ = time_point::max();
    look_for_own_record();
    return;
  case mode::resuming:
    host().counters().handover("timed_out");
    become_live(false);
    return;
  case mode::detached:
    end();
    return;
  case mode::leaving:
  case mode::ended:
    return;
  case mode::live:
    break;
  }
  auto &lim = host().lim();
  if (now >= close_at_) {
    leave(close_with_, close_reason_, "reconnect");
    return;
  }
  if (token_end_ != time_point::max() && now >= token_end_ + lim.token_grace) {
    leave(net::close_code::token_expired, "token_expired", "the token expired");
    return;
  }
  if (!token_warned_ && token_end_ != time_point::max() && now >= token_end_ - lim.token_warning) {
    // Not a `go_away`: a fresh token on this connection is what is wanted.
    token_warned_ = true;
    auto &frame = host().scratch();
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(token_end_ - now);
    net::encode(link_->encoding(), frame,
                net::goaway_frame{static_cast<uint32_t>(std::max<int64_t>(left.count(), 0)), "token"});
    link_->send(frame, false);
  }
  if (!warned_ && now >= recycle_at_)
    go_away("recycle", std::chrono::milliseconds{host().random()() % 1000});
  arm_timer();
}

bool session::on_message(caf::mailbox_element &) {
  return false;
}

void session::on_stop() {
  timer_.cancel();
  if (mode_ != mode::ended) {
    // Stopped from outside (an exit message, the loop's end): nothing may be left that points here.
    if (mode_ == mode::live || mode_ == mode::resuming)
      services_.directory.unbind(ref_, {me_->device, epoch_, host().context().lease_until()});
    mode_ = mode::ended;
    settle_all();
    services_.sessions.erase(ref_);
    host().counters().session_closed();
  }
  if (auto link = std::exchange(link_, {}))
    link->close(net::close_code::internal, "stopped", "the session was stopped");
  state_ = {};
}

} // namespace stentor::actors
