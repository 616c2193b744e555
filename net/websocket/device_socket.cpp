// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/device_socket.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stentor::net {

// A node holds tens of thousands of these.
static_assert(sizeof(device_socket) <= 256);
static_assert(event_loop::read_slack == frame_reader::read_slack);

namespace {

/// The word for metrics of a connection that broke the protocol.
const char *word_of(close_code code) {
  if (code == close_code::too_big)
    return "too_big";
  if (code == close_code::unsupported)
    return "wrong_type";
  if (code == close_code::bad_payload)
    return "utf8";
  return "protocol";
}

const char *word_of(socket_end how) {
  switch (how) {
  case socket_end::peer_closed:
  case socket_end::orderly:
    return "closed";
  case socket_end::peer_reset:
    return "reset";
  case socket_end::local_failure:
    return "failure";
  }
  return "failure";
}

/// Closing before the upgrade means: too late (408), or not now (503).
int status_of(close_code code) {
  return code == close_code::unauthorized || code == close_code::policy ? 408 : 503;
}

} // namespace

device_socket::device_socket(event_loop &loop, int fd, device_events &events, const limits &lim)
    : stream_socket{loop, fd}, events_{events}, limits_{lim},
      reader_{frame_reader::role::server, lim.max_frame_bytes}, last_heard_{loop.now()} {
  stop_reading_past(lim.max_cork_bytes);
}

device_socket::~device_socket() = default;

// -- frames out ----

bool device_socket::send(std::string_view body, bool waited_for) {
  if (!upgraded_ || close_sent_ || !is_open())
    return false;
  std::array<char, 10> space;
  auto kind = encoding_ == format::json ? opcode::text : opcode::binary;
  write_frame(frame_header(kind, body.size(), space), body, waited_for);
  return true;
}

bool device_socket::send_encoded(std::string_view frame, bool waited_for) {
  if (!upgraded_ || close_sent_ || !is_open())
    return false;
  write_frame(frame, {}, waited_for);
  return true;
}

void device_socket::ping() {
  std::array<char, 10> space;
  send_encoded(frame_header(opcode::ping, 0, space), false);
}

void device_socket::write_close(close_code code, std::string_view text) {
  auto body = close_body(code, text);
  std::array<char, 10> space;
  write_frame(frame_header(opcode::close, body.size(), space), body, false);
  close_sent_ = true;
}

void device_socket::close(close_code code, const char *reason, std::string_view text) {
  if (!is_open() || close_sent_)
    return;
  close_code_ = code;
  if (!upgraded_)
    return refuse({status_of(code), text}, reason);
  close_reason_ = reason;
  write_close(code, text);
  resume_reading(); // for what the device still has to say, its close frame above all
  call_later(limits_.close_linger);
}

void device_socket::on_deadline() {
  close_orderly(limits_.close_linger);
}

void device_socket::on_marks(size_t count) {
  events_.on_frames_written(count);
}

void device_socket::on_end(socket_end reason, size_t lost_marks) {
  device_end end;
  end.how = reason;
  end.code = close_code_;
  end.reason = close_reason_ ? close_reason_ : word_of(reason);
  end.handshaken = close_sent_ && close_received_ && unsent_bytes() == 0;
  end.lost_marks = lost_marks;
  events_.on_device_end(end); // last: it may destroy this
}

// -- the upgrade ----

void device_socket::on_bytes(std::span<char> bytes) {
  last_heard_ = loop().now();
  if (upgraded_)
    read_frames(bytes);
  else
    read_head(bytes);
}

void device_socket::read_head(std::span<char> bytes) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  std::string_view seen{bytes.data(), bytes.size()};
  size_t held = 0;
  if (head_) { // came in pieces: the end is looked for where the last piece left off
    held = head_->size();
    head_->append(seen.substr(0, limits_.max_handshake_bytes - held));
    seen = *head_;
  } else if (seen.front() < 'A' || seen.front() > 'Z') {
    return refuse({400, "This is not an HTTP request."}, "handshake");
  }
  auto end = seen.find(end_of_head, held - std::min(held, end_of_head.size() - 1));
  auto size = end == seen.npos ? seen.size() + 1 : end + end_of_head.size();
  if (size > limits_.max_handshake_bytes)
    return refuse({431, "The request head is too large."}, "handshake");
  if (end == seen.npos) {
    if (!head_)
      head_ = std::make_unique<std::string>(seen);
    return;
  }
  auto owner = std::move(head_); // outlives the calls to the owner
  open(seen.substr(0, size), bytes.subspan(size - held));
}

void device_socket::open(std::string_view head, std::span<char> rest) {
  upgrade_head parsed;
  if (auto verdict = parsed.parse(head); verdict.status != 101)
    return refuse(verdict, "handshake");
  lifeline alive{*this};
  auto answer = events_.on_upgrade(parsed.request());
  if (!alive.holds() || !is_open())
    return;
  if (answer.status != 101)
    return refuse(answer, "refused");
  encoding_ = answer.chosen;
  upgraded_ = true;
  write(parsed.accept(answer.chosen));
  events_.on_open();
  if (alive.holds() && is_open() && !rest.empty())
    read_frames(rest);
}

void device_socket::refuse(const upgrade_answer &answer, const char *reason) {
  close_reason_ = reason;
  head_.reset();
  write(refusal(answer));
  close_orderly(limits_.close_linger);
}

// -- frames in ----

void device_socket::read_frames(std::span<char> bytes) {
  lifeline alive{*this};
  if (auto error = reader_.feed(bytes, *this); error && alive.holds() && is_open())
    fail(error);
}

/// RFC 6455 7.1.7: says why, and listens no more.
void device_socket::fail(const frame_error &error) {
  if (!close_sent_) {
    close_code_ = error.code;
    close_reason_ = word_of(error.code);
    write_close(error.code, error.reason);
  }
  close_orderly(limits_.close_linger);
}

bool device_socket::on_message(opcode kind, std::span<char> body) {
  if (!any_type_ && (kind == opcode::text) != (encoding_ == format::json)) {
    fail({close_code::unsupported, encoding_ == format::json ? "this subprotocol has text messages only"
                                                             : "this subprotocol has binary messages only"});
    return false;
  }
  last_kind_ = kind;
  lifeline alive{*this};
  events_.on_message(body);
  return alive.holds() && is_open();
}

bool device_socket::on_control(opcode kind, std::span<char> body) {
  if (kind == opcode::ping) {
    // A device that pings and does not read gets no more pongs than the cork may hold.
    if (close_sent_ || unsent_bytes() > limits_.max_cork_bytes)
      return true;
    std::array<char, 10> space;
    write_frame(frame_header(opcode::pong, body.size(), space), {body.data(), body.size()}, false);
    return true;
  }
  if (kind != opcode::close)
    return true;
  close_received_ = true;
  if (!close_sent_) {
    close_code_ = parse_close(body);
    close_reason_ = close_code_ == close_code::protocol_error ? "protocol" : "closed";
    write_close(close_code_, {});
  }
  close_orderly(limits_.close_linger);
  return false;
}

} // namespace stentor::net
