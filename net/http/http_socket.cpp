// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_socket.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

/// Only counted: there is no room to say it.
constexpr http_problem answers_not_taken{408, "timeout", "the responses were not read in time"};

} // namespace

static_assert(http_conversation::slack == event_loop::read_slack);

http_socket::http_socket(event_loop &loop, int fd, http_events &events, http_service &service)
    : stream_socket{loop, fd}, events_{events}, limits_{service.lim},
      conversation_{events, *this, service}, service_{service} {
  stop_reading_past(service.lim.max_unsent_answers);
}

bool http_socket::open() {
  wait_until(loop().now() + limits_.http_idle_timeout);
  return start();
}

void http_socket::on_bytes(std::span<char> bytes) {
  conversation_.receive({bytes.data(), bytes.size()});
}

void http_socket::on_end(socket_end, size_t) {
  timer_.cancel();
  events_.on_http_end(conversation_.owes_answer());
}

// -- what the conversation asks for ----

void http_socket::on_drained() {
  lifeline alive{*this};
  events_.on_drained();
  if (alive.holds())
    conversation_.drained();
}

void http_socket::http_write(std::string_view head, std::string_view body) {
  if (unsent_bytes() == 0) {
    written_ = taken_at_look_ = 0;
    look_at_ = loop().now() + limits_.http_body_timeout;
    arm();
  }
  written_ += head.size() + body.size();
  write_frame(head, body, false);
}

void http_socket::http_read(bool on) {
  if (on)
    resume_reading();
  else
    pause_reading();
}

void http_socket::http_close() {
  closing_ = true;
  // Whoever does not even take the answer is cut off by the same timer.
  wait_until(loop().now() + limits_.http_body_timeout);
  close_orderly(limits_.close_linger);
}

time_point http_socket::http_now() {
  return loop().now();
}

// -- time ----

void http_socket::http_waits(http_wait what) {
  wait_ = what;
  auto now = loop().now();
  switch (what) {
  case http_wait::request:
    return wait_until(now + limits_.http_idle_timeout);
  case http_wait::head:
    return wait_until(now + limits_.http_header_timeout);
  case http_wait::body:
  case http_wait::answer: // to see whether the peer takes it
    return wait_until(now + limits_.http_body_timeout);
  }
}

/// Moves the deadline. The timer is armed again only where it would fire too late: under load, requests move
/// the deadline on and the timer stays where it is.
void http_socket::wait_until(time_point when) {
  deadline_ = when;
  arm();
}

void http_socket::arm() {
  auto when = std::min(deadline_, look_at_);
  if (timer_.is_armed() && armed_for_ <= when)
    return;
  armed_for_ = when;
  loop().timers().schedule(timer_, when);
}

/// A peer that trickles holds our memory as one that reads nothing does.
bool http_socket::takes_answers(time_point now) {
  if (now < look_at_)
    return true;
  auto taken = written_ - unsent_bytes();
  auto enough = unsent_bytes() == 0 || (!closing_ && taken - taken_at_look_ >= limits_.least_answers_taken);
  taken_at_look_ = taken;
  look_at_ = unsent_bytes() == 0 ? time_point::max() : now + limits_.http_body_timeout;
  return enough;
}

void http_socket::on_timer() {
  auto now = std::max(loop().now(), armed_for_);
  if (!takes_answers(now)) {
    if (service_.observer)
      service_.observer->on_refusal(answers_not_taken);
    return abort(socket_end::local_failure);
  }
  if (now < deadline_)
    return arm();
  if (closing_)
    // Else it lingers, and has a timer of its own for that.
    return unsent_bytes() > 0 ? abort(socket_end::local_failure) : void();
  // Armed again before the conversation is told, which may end this object.
  wait_until(now + limits_.http_body_timeout);
  conversation_.time_out();
}

} // namespace stentor::net
