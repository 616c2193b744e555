// SPDX-License-Identifier: Apache-2.0
// How a session ends: taken over, handed over, left, detached, gone (docs/decisions/0004).
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/delivery/session_table.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::string_view taken_over = "a newer connection of this device took over";

} // namespace

// -- takeover and hand-over ----

void session::on_superseded(const device_id &device, epoch newer) {
  if (device != me_->device)
    return;
  switch (binding_.on_superseded(newer)) {
  case binding::effect::none:
    return;
  case binding::effect::leave:
    leave(net::close_code::superseded, "superseded", taken_over);
    return;
  case binding::effect::end:
    end();
    return;
  }
}

std::unique_ptr<session_state> session::hand_over(const items::hand_over &question) {
  auto newer = question.newer;
  if (question.device != me_->device)
    return nullptr;
  auto has_right = same_secret(question.proof, proof_of(secret_, me_->account));
  if (!has_right || binding_.is_waiting() || binding_.where() == phase::ended || binding_.is_superseded() ||
      newer <= binding_.ep()) {
    // No right to the state (another account is none either), or it is still under way to here and cannot be
    // given away whole; but the directory has the newer connection now: a bound one leaves all the same. One
    // that waits to be resumed continues to wait for the holder of its secret.
    if (binding_.where() != phase::detached)
      on_superseded(question.device, newer);
    return nullptr;
  }
  binding_.supersede(newer);
  auto was_detached = binding_.where() == phase::detached;
  if (binding_.where() == phase::leaving) {
    // Later messages have been sent back already: these cannot follow them in order, and certainly did not
    // arrive.
    if (device_)
      outbound_.settle_last(device_->drop_unstarted(), verdict::offline, ledger_, turn());
  } else if (!was_detached) {
    leave(net::close_code::superseded, "superseded", taken_over);
  }
  // Verdicts still owed to this session follow it, after those it holds already.
  services_.messages.moved(ref_, question.from, question.requester);
  auto state = ledger_.give(outbound_.unwritten());
  if (was_detached)
    end();
  return state;
}

// -- the end ----

void session::give_up_binding() {
  binding_.become(phase::leaving);
  outbound_.send_back_held(turn());
  if (!device_)
    end();
}

void session::leave(net::close_code code, const char *reason, std::string_view text) {
  if (binding_.where() == phase::asking) {
    // What the directory will answer must be given back: `on_bound` sees that the connection closes.
    if (device_)
      device_->close(code, reason, text);
    return;
  }
  auto was_held = binding_.is_held();
  binding_.become(phase::leaving);
  timetable_.wait_no_longer();
  auto t = turn();
  outbound_.send_back_held(t);
  if (!device_)
    return;
  // What has not begun to leave goes back and finds the device's next connection. A frame under way must be
  // finished before the close frame; it keeps its verdict.
  if (was_held && code == net::close_code::superseded)
    outbound_.send_back_last(device_->drop_unstarted(), ledger_, t);
  if (was_held && !binding_.is_superseded())
    binding_.unbind(t, host().context().lease_until());
  device_->close(code, reason, text);
}

void session::on_connection_end() {
  auto keep = self();
  device_.reset();
  auto t = turn();
  switch (binding_.where()) {
  case phase::asking:
    return; // `on_bound` will give back what it gets
  case phase::leaving:
    // Messages sent back by this session have gone elsewhere: what is left here cannot follow in order. The
    // kernel never had these frames whole, so they certainly did not arrive.
    outbound_.settle_last(outbound_.unwritten().size(), verdict::offline, ledger_, t);
    if (binding_.is_superseded() || binding_.ep() == 0)
      end();
    else
      detach();
    return;
  case phase::live:
  case phase::resuming:
    binding_.become(phase::leaving);
    outbound_.send_back_held(t);
    outbound_.send_back_last(outbound_.unwritten().size(), ledger_, t);
    binding_.unbind(t, host().context().lease_until());
    detach();
    return;
  case phase::detached:
  case phase::ended:
    return;
  }
}

void session::detach() {
  watch_.stop(turn());
  inbound_.take_early();
  binding_.become(phase::detached);
  timetable_.wait_until(host().now() + host().lim().resume_window);
  arm_timer();
}

void session::end() {
  if (binding_.where() == phase::ended)
    return;
  auto keep = self();
  binding_.become(phase::ended);
  auto t = turn();
  outbound_.settle_all(ledger_, t);
  ledger_.settle_unconfirmed(t);
  watch_.stop(t);
  services_.sessions.erase(ref_);
  host().counters().session_closed();
  stop(caf::exit_reason::normal);
}

void session::on_stop() {
  timer_.cancel();
  if (binding_.where() != phase::ended) {
    // Stopped from outside (an exit message, the loop's end): nothing may be left that points here.
    auto t = turn();
    if (binding_.is_held())
      binding_.unbind(t, host().context().lease_until());
    binding_.become(phase::ended);
    outbound_.settle_all(ledger_, t);
    ledger_.settle_unconfirmed(t);
    services_.sessions.erase(ref_);
    host().counters().session_closed();
  }
  if (auto device = std::exchange(device_, {}))
    device->close(net::close_code::internal, "stopped", "the session was stopped");
  ledger_.clear();
}

// -- asked to end ----

void session::go_away(goaway why, std::chrono::milliseconds reconnect_in) {
  if (binding_.is_waiting()) {
    leave(net::close_code::recycled, to_string(why), "reconnect");
    return;
  }
  if (!binding_.is_live() || timetable_.is_warned())
    return;
  auto t = turn();
  auto &frame = t.frame();
  net::encode(device_->encoding(), frame,
              net::goaway_frame{static_cast<uint32_t>(reconnect_in.count()), to_string(why)});
  device_->send(frame, false);
  timetable_.warn(why, t.now + host().lim().goaway_grace);
  arm_timer();
}

void session::give_up() {
  binding_.give_up();
  if (device_)
    outbound_.settle_last(device_->drop_unstarted(), verdict::unreachable, ledger_, turn());
}

void session::abandon() {
  auto keep = self();
  auto device = device_;
  // No unbind: a lease that has ended writes nothing, and the sweep removes what stands.
  binding_.become(phase::leaving);
  timetable_.wait_no_longer();
  if (!device)
    return;
  if (binding_.ep() != 0 && device->is_usable()) {
    auto &frame = host().scratch();
    net::encode(device->encoding(), frame,
                net::goaway_frame{static_cast<uint32_t>(host().random()() % 1000), "fenced"});
    device->send(frame, false);
  }
  device->close(net::close_code::recycled, "fenced", "this node has left its cluster, reconnect");
}

} // namespace stentor::actors
