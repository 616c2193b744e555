// SPDX-License-Identifier: Apache-2.0
// What a session passes between its device and the rest: frames, messages, verdicts, presence.
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"

namespace stentor::actors {

// -- from the device ----

void session::on_frame(std::span<char> body) {
  count_handled();
  if (inbound_.is_early()) {
    if (!inbound_.keep(body, host().lim())) {
      host().counters().rejected("before_welcome");
      leave(net::close_code::policy, "policy", "too much was sent before the welcome");
    }
    return;
  }
  auto t = turn();
  net::client_frame frame;
  std::string text;
  auto reading = inbound_.read(body, frame, text, t);
  if (reading != inbound::reading::good) {
    end_turn(t);
    if (reading == inbound::reading::broken)
      leave(net::close_code::malformed, "malformed", text);
    return;
  }
  // Acks count until the connection's end: they make verdicts true. Everything else from a session that
  // leaves does not.
  if (frame.type == net::client_frame::kind::ack) {
    inbound_.ack(frame.id, ledger_, t);
    return;
  }
  if (!t.live)
    return;
  if (frame.type == net::client_frame::kind::auth) {
    on_auth(frame.token, t);
  } else if (inbound_.admit(frame, ledger_, t)) {
    switch (frame.type) {
    case net::client_frame::kind::send:
      inbound_.send(frame, ledger_, t);
      break;
    case net::client_frame::kind::devices:
      account_watch::ask(t);
      break;
    case net::client_frame::kind::watch:
      watch_.set(true, t);
      break;
    case net::client_frame::kind::unwatch:
      watch_.set(false, t);
      break;
    case net::client_frame::kind::ack:
    case net::client_frame::kind::auth:
      break;
    }
  }
  end_turn(t);
}

void session::on_auth(std::string_view token, session_turn &t) {
  const char *why = "malformed";
  auto who = identity_of_token(host().context(), token, why);
  if (who && who->who->device == me_->device && who->who->account == me_->account) {
    me_ = std::move(who->who);
    timetable_.set_token_end(token_end_of(who->expires_s, t.now, host().wall_now()));
    arm_timer();
    return;
  }
  host().counters().auth_failure(who ? "claims" : why);
  // The old token still holds: a bad refresh costs the device nothing but this answer.
  tell_error(errc::token_refused, describe(errc::token_refused), {}, t);
}

// -- messages and verdicts for it ----

void session::deliver(envelope_ptr e, epoch by) {
  count_handled();
  e->arrived_at = host().now();
  if (e->to != me_->device) {
    // A route to another device's session: a bug prevented, never a message misdelivered.
    host().counters().rejected("misrouted");
    services_.messages.send_back(ref_, by, std::move(e));
  } else if (binding_.is_waiting()) {
    outbound_.hold(std::move(e), by, turn());
  } else {
    outbound_.deliver(std::move(e), ledger_, turn());
  }
}

void session::on_frames_written(size_t count) {
  outbound_.on_written(count, ledger_, turn());
}

void session::on_verdict(const message_id &message, owed_verdict &&what) {
  auto t = turn();
  ledger_.on_verdict(message, std::move(what), t);
  end_turn(t);
}

void session::on_link_lost(std::optional<incarnation> inc) {
  auto keep = self();
  auto t = turn();
  ledger_.on_link_lost(inc, t);
  end_turn(t);
}

// -- presence ----

void session::on_listed(listing why, const caf::expected<std::vector<storage::record>> &found) {
  auto t = turn();
  watch_.on_listed(why, found, t);
  end_turn(t);
}

void session::on_watch_refused(errc why) {
  auto t = turn();
  watch_.on_refused(why, t);
  end_turn(t);
}

void session::on_event(const storage::event &event) {
  auto t = turn();
  watch_.on_event(event, t);
  end_turn(t);
}

void session::on_resync() {
  watch_.on_resync(turn());
}

} // namespace stentor::actors
