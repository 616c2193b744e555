// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/ws_frame.hpp"

#include "net/websocket/ws_mask.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace stentor::net {

namespace {

constexpr size_t max_header_bytes = 14;
constexpr uint64_t max_control_bytes = 125;
// Fragments of nothing cost us time but the peer nothing. Honest ones carry at least 16 bytes on average.
constexpr size_t free_fragments = 4096;
constexpr size_t honest_fragment_bytes = 16;

constexpr frame_error protocol_error(const char *reason) {
  return {close_code::protocol_error, reason};
}

constexpr bool is_control(opcode op) {
  return static_cast<uint8_t>(op) >= 8;
}

constexpr bool is_known(opcode op) {
  switch (op) {
  case opcode::continuation:
  case opcode::text:
  case opcode::binary:
  case opcode::close:
  case opcode::ping:
  case opcode::pong:
    return true;
  }
  return false;
}

uint64_t big_endian(const char *at, size_t count) {
  uint64_t result = 0;
  for (size_t i = 0; i < count; ++i)
    result = result << 8 | static_cast<uint8_t>(at[i]);
  return result;
}

/// Bytes of a whole header, from its first two.
size_t header_size(const char *head) {
  auto length = head[1] & 0x7f;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (head[1] & 0x80 ? 4u : 0u);
}

bool deliver(opcode kind, std::span<char> body, frame_sink &sink, frame_error &error) {
  if (kind == opcode::text && !simdjson::validate_utf8(body.data(), body.size())) {
    error = {close_code::bad_payload, "a text message is not UTF-8"};
    return false;
  }
  return sink.on_message(kind, body);
}

} // namespace

struct frame_reader::header {
  opcode op = opcode::continuation;
  bool fin = false;
  bool masked = false;
  uint64_t length = 0;
  std::array<char, 4> mask{};

  static header parse(const char *at) {
    header h;
    h.op = static_cast<opcode>(at[0] & 0x0f);
    h.fin = at[0] & 0x80;
    h.masked = at[1] & 0x80;
    h.length = static_cast<uint8_t>(at[1] & 0x7f);
    at += 2;
    if (h.length >= 126) {
      auto width = h.length == 126 ? 2u : 8u;
      h.length = big_endian(at, width);
      at += width;
    }
    if (h.masked)
      std::memcpy(h.mask.data(), at, h.mask.size());
    return h;
  }
};

struct frame_reader::partial {
  // -- a header cut in two ----
  std::array<char, max_header_bytes> head;
  size_t head_size = 0;
  // -- a frame whose payload is not all here ----
  bool in_frame = false;
  header frame;
  uint64_t missing = 0;
  std::string control; ///< a control frame's payload: it may stand between the frames of a message
  // -- a message whose last frame is not here ----
  bool in_message = false;
  opcode kind = opcode::text;
  size_t frames = 0;
  std::string message; ///< payloads so far, unmasked
};

frame_reader::frame_reader(role r, size_t max_message_bytes) noexcept
    : max_message_bytes_{static_cast<uint32_t>(std::min<size_t>(max_message_bytes, UINT32_MAX))}, role_{r} {}

frame_reader::~frame_reader() = default;
frame_reader::frame_reader(frame_reader &&) noexcept = default;
frame_reader &frame_reader::operator=(frame_reader &&) noexcept = default;

size_t frame_reader::held_bytes() const noexcept {
  return partial_ ? partial_->head_size + partial_->message.size() + partial_->control.size() : 0;
}

bool frame_reader::is_inside_message() const noexcept {
  return partial_ != nullptr;
}

size_t frame_reader::max_frames() const noexcept {
  return free_fragments + max_message_bytes_ / honest_fragment_bytes;
}

frame_error frame_reader::feed(std::span<char> bytes, frame_sink &sink) {
  if (stopped_)
    return {};
  while (!bytes.empty()) {
    frame_error error;
    stopped_ = true; // before the step: when it says false, the sink may have destroyed this reader
    if (!step(bytes, sink, error))
      return error;
    stopped_ = false;
  }
  return {};
}

bool frame_reader::step(std::span<char> &bytes, frame_sink &sink, frame_error &error) {
  if (partial_ && partial_->in_frame)
    return continue_frame(bytes, sink, error);
  std::array<char, max_header_bytes> joined;
  const auto *head = bytes.data();
  auto available = bytes.size();
  size_t held = 0;
  if (partial_ && partial_->head_size > 0) {
    held = partial_->head_size;
    auto more = std::min(bytes.size(), joined.size() - held);
    std::memcpy(joined.data(), partial_->head.data(), held);
    std::memcpy(joined.data() + held, bytes.data(), more);
    head = joined.data();
    available = held + more;
  }
  if (error = check_start(head, available); error)
    return false;
  if (available < 2 || available < header_size(head)) {
    if (!partial_)
      partial_ = std::make_unique<partial>();
    std::memcpy(partial_->head.data(), head, available);
    partial_->head_size = available;
    bytes = {};
    return true;
  }
  auto frame = header::parse(head);
  if (error = check_length(frame); error)
    return false;
  if (partial_)
    partial_->head_size = 0;
  bytes = bytes.subspan(header_size(head) - held);
  return begin_frame(frame, bytes, sink, error);
}

bool frame_reader::begin_frame(const header &frame, std::span<char> &bytes, frame_sink &sink,
                               frame_error &error) {
  auto in_message = partial_ && partial_->in_message;
  if (frame.length <= bytes.size() && (is_control(frame.op) || (frame.fin && !in_message))) {
    // Nearly always: all of it is here, is read in place, and nothing is remembered.
    auto body = bytes.first(static_cast<size_t>(frame.length));
    bytes = bytes.subspan(body.size());
    if (frame.masked)
      apply_mask(body, frame.mask, 0);
    if (!in_message)
      partial_.reset();
    return is_control(frame.op) ? sink.on_control(frame.op, body) : deliver(frame.op, body, sink, error);
  }
  if (!partial_)
    partial_ = std::make_unique<partial>();
  auto &p = *partial_;
  p.in_frame = true;
  p.frame = frame;
  p.missing = frame.length;
  if (!is_control(frame.op)) {
    if (frame.op != opcode::continuation)
      p.kind = frame.op;
    p.in_message = true;
    if (++p.frames > max_frames()) {
      error = {close_code::policy, "a message with too many fragments"};
      return false;
    }
  }
  return continue_frame(bytes, sink, error); // also where no byte is left: the frame may be an empty one
}

bool frame_reader::continue_frame(std::span<char> &bytes, frame_sink &sink, frame_error &error) {
  auto &p = *partial_;
  auto piece = bytes.first(static_cast<size_t>(std::min<uint64_t>(p.missing, bytes.size())));
  bytes = bytes.subspan(piece.size());
  if (p.frame.masked)
    apply_mask(piece, p.frame.mask, p.frame.length - p.missing);
  // Memory grows with what came, not with what was announced.
  (is_control(p.frame.op) ? p.control : p.message).append(piece.data(), piece.size());
  p.missing -= piece.size();
  return p.missing > 0 || end_frame(sink, error);
}

bool frame_reader::end_frame(frame_sink &sink, frame_error &error) {
  auto &p = *partial_;
  p.in_frame = false;
  if (is_control(p.frame.op)) {
    auto body = std::exchange(p.control, {});
    auto op = p.frame.op;
    if (!p.in_message)
      partial_.reset();
    return sink.on_control(op, body);
  }
  if (!p.frame.fin)
    return true;
  auto whole = std::move(partial_); // lives until the sink returns, whatever the sink does to this reader
  auto size = whole->message.size();
  whole->message.append(read_slack, '\0');
  return deliver(whole->kind, {whole->message.data(), size}, sink, error);
}

frame_error frame_reader::check_start(const char *head, size_t available) const noexcept {
  auto op = static_cast<opcode>(head[0] & 0x0f);
  if (head[0] & 0x70)
    return protocol_error("a reserved bit is set");
  if (!is_known(op))
    return protocol_error("unknown opcode");
  if (is_control(op)) {
    if (!(head[0] & 0x80))
      return protocol_error("a fragmented control frame");
  } else if ((op == opcode::continuation) != (partial_ && partial_->in_message)) {
    return protocol_error(op == opcode::continuation ? "a continuation without a first frame"
                                                     : "a new message inside a fragmented one");
  }
  if (available < 2)
    return {};
  bool masked = head[1] & 0x80;
  if (masked != (role_ == role::server))
    return protocol_error(masked ? "a masked frame from a server" : "an unmasked frame from a client");
  if (is_control(op) && static_cast<uint64_t>(head[1] & 0x7f) > max_control_bytes)
    return protocol_error("a control frame longer than 125 bytes");
  return {};
}

frame_error frame_reader::check_length(const header &frame) const noexcept {
  if (frame.length >> 63)
    return protocol_error("a length with its highest bit set");
  auto held = partial_ ? partial_->message.size() : 0;
  if (!is_control(frame.op) && frame.length > max_message_bytes_ - held)
    return {close_code::too_big, "a message above the size limit"};
  return {};
}

} // namespace stentor::net
