// SPDX-License-Identifier: Apache-2.0
#include "actors/session/connection.hpp"

#include "actors/core/node_context.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session.hpp"
#include "actors/session/session_services.hpp"
#include "actors/telemetry/log.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace stentor::actors {

namespace {

constexpr std::string_view device_path = "/v1/connect";
constexpr size_t max_frame_head = 10;

} // namespace

connection::connection(caf::actor_config &cfg, loop_env &host, session_services &services, int fd)
    : hosted_actor{cfg, host}, services_{services},
      socket_{new net::device_socket{host.io(), fd, *this, host.lim()}}, waiting_{
                                                                             std::make_unique<waiting>()} {}

connection::~connection() = default;

std::string connection::subject() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!socket_ || getpeername(socket_->fd(), reinterpret_cast<sockaddr *>(&address), &size) != 0)
    return {};
  if (address.ss_family == AF_INET) {
    auto &v4 = reinterpret_cast<sockaddr_in &>(address);
    return inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size()) +
           (":" + std::to_string(ntohs(v4.sin_port)));
  }
  auto &v6 = reinterpret_cast<sockaddr_in6 &>(address);
  return "[" + std::string{inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size())} +
         "]:" + std::to_string(ntohs(v6.sin6_port));
}

void connection::start() {
  host().counters().connection_opened();
  arm(host().now() + host().lim().auth_timeout);
  if (!socket_->start())
    stop(caf::exit_reason::user_shutdown);
}

// -- for the session ----

bool connection::send(std::string_view body, bool waited_for) {
  if (!socket_ || !socket_->send(body, waited_for))
    return false;
  if (socket_->stalled_since() != time_point::max())
    watch_stall();
  return true;
}

void connection::watch_stall() {
  if (!socket_ || !session_)
    return;
  auto since = socket_->stalled_since();
  auto due = (since == time_point::max() ? host().now() : since) + host().lim().stall_timeout;
  if (due_ > due)
    arm(due);
}

const limits &connection::host_limits() const noexcept {
  return const_cast<connection *>(this)->host().lim();
}

bool connection::has_room(size_t bytes) const noexcept {
  return socket_ && socket_->unsent_bytes() + bytes + max_frame_head <= host_limits().max_cork_bytes &&
         socket_->unsent_marks() < host_limits().max_cork_messages;
}

void connection::close(net::close_code code, const char *reason, std::string_view text) {
  if (!socket_)
    return;
  socket_->close(code, reason, text);
  go_on();
}

void connection::wait() noexcept {
  if (!socket_)
    return;
  socket_->pause_reading();
  socket_->hold_writes();
}

void connection::go_on() {
  if (!socket_)
    return;
  socket_->resume_reading();
  socket_->release_writes();
}

void connection::drain() {
  if (!session_)
    close(net::close_code::going_away, "drain", "this node is shutting down, reconnect");
}

// -- authentication ----

net::upgrade_answer connection::on_upgrade(const net::upgrade_request &request) {
  auto &ctx = host().context();
  net::upgrade_answer answer;
  auto refuse_with = [&](int status, std::string_view text, const char *why) {
    host().counters().rejected(why);
    answer.status = status;
    answer.reason = text;
  };
  if (request.path != device_path) {
    refuse_with(404, "devices connect at /v1/connect", "path");
    return answer;
  }
  if (ctx.draining.load(std::memory_order_relaxed) || !services_.admission.admit()) {
    refuse_with(503, "this node accepts no more connections now", "admission");
    // Jitter, so that those who were refused together do not come back together.
    answer.retry_after_s = services_.admission.retry_after_s();
    return answer;
  }
  if (!is_origin_allowed(ctx.cfg, request.origin)) {
    refuse_with(403, "this origin is not allowed", "origin");
    return answer;
  }
  if (request.offered_subprotocols && !request.wanted) {
    refuse_with(400, "offer the subprotocol stentor.v1.json or stentor.v1.msgpack", "subprotocol");
    return answer;
  }
  answer.chosen = encoding_ = request.wanted.value_or(format::json);
  if (auto text = net::query_value(request.query, "resume"))
    waiting_->resume = resume_token_from(*text);
  const char *why = "malformed";
  auto who = identity_of_request(ctx, request, why);
  if (who) {
    waiting_->who = std::move(*who);
    return answer;
  }
  host().counters().auth_failure(why);
  // A browser cannot read the status of a failed upgrade: it may ask to be told on the open connection.
  if (net::query_value(request.query, "late_errors") == "1")
    waiting_->refused = "the token was refused";
  else
    refuse_with(401, "the token was refused", "auth");
  return answer;
}

void connection::on_open() {
  if (waiting_->refused) {
    refuse(waiting_->refused);
    return;
  }
  if (waiting_->who)
    open_session(std::move(*waiting_->who), waiting_->resume);
}

void connection::refuse(const char *text) {
  auto &frame = host().scratch();
  net::encode(encoding(), frame, net::error_frame{"token_refused", text, {}});
  send(frame, false);
  close(net::close_code::unauthorized, "unauthorized", text);
}

void connection::open_session(identity who, const std::optional<resume_token> &resume) {
  auto ref = services_.sessions.reserve();
  session_ = make_hosted<session>(host().context().sys, host(), host(), services_, ref,
                                  hosted_ptr<connection>{self()}, std::move(who), resume);
  services_.sessions.fill(ref, *session_, session_.strong());
  waiting_.reset();
  arm(host().now() + host().lim().ping_interval);
  session_->start();
}

void connection::on_auth_frame(std::span<char> body) {
  net::client_frame frame;
  net::frame_refusal refusal;
  if (!services_.codec.decode(encoding(), body, frame, refusal) ||
      frame.type != net::client_frame::kind::auth) {
    host().counters().rejected("before_auth");
    close(net::close_code::unauthorized, "unauthorized", "the first frame must be auth");
    return;
  }
  const char *why = "malformed";
  auto who = identity_of_token(host().context(), frame.token, why);
  if (!who) {
    host().counters().auth_failure(why);
    refuse("the token was refused");
    return;
  }
  auto resume = frame.resume.empty() ? waiting_->resume : resume_token_from(frame.resume);
  open_session(std::move(*who), resume);
}

// -- frames ----

void connection::on_message(std::span<char> body) {
  count_handled();
  host().counters().frame_in();
  if (session_)
    session_->on_frame(body);
  else if (waiting_)
    on_auth_frame(body);
}

void connection::on_frames_written(size_t waited_for) {
  if (session_)
    session_->on_frames_written(waited_for);
}

void connection::on_device_end(const net::device_end &end) {
  host().counters().connection_closed(end.reason);
  auto keep = self();
  if (auto last = std::exchange(session_, {}))
    last->on_connection_end();
  stop(caf::exit_reason::normal);
}

// -- time ----

void connection::arm(time_point when) {
  due_ = when;
  host().io().timers().schedule(timer_, when);
}

void connection::on_timer() {
  auto &lim = host().lim();
  auto now = host().now();
  if (!socket_)
    return;
  if (!session_) {
    host().counters().rejected("auth_timeout");
    close(net::close_code::unauthorized, "auth_timeout",
          socket_->is_upgraded() ? "no auth frame in time" : "the handshake was not complete in time");
    return;
  }
  auto since = socket_->stalled_since();
  auto stalled = since == time_point::max() ? time_point::max() : since + lim.stall_timeout;
  if (now >= stalled) {
    // Nothing more fits: its close frame may never arrive, but the device is gone from the directory now.
    session_->leave(net::close_code::slow, "slow", "this device does not read what is sent to it");
    return;
  }
  auto unanswered = pinged_at_ != time_point::max() && socket_->last_heard() < pinged_at_;
  if (unanswered && now - pinged_at_ >= lim.ping_timeout) {
    session_->leave(net::close_code::dead, "dead", "no byte within the heartbeat timeout");
    return;
  }
  if (!unanswered && (pinged_at_ == time_point::max() || now - pinged_at_ >= lim.ping_interval)) {
    socket_->ping();
    pinged_at_ = now;
    unanswered = true;
  }
  arm(std::min(stalled, pinged_at_ + (unanswered ? lim.ping_timeout : lim.ping_interval)));
}

void connection::on_stop() {
  timer_.cancel();
  // Destroying the socket inside its own callback is what `on_device_end` allows.
  socket_.reset();
  waiting_.reset();
  if (auto last = std::exchange(session_, {}))
    last->stop(caf::exit_reason::user_shutdown);
}

} // namespace stentor::actors
