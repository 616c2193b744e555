// SPDX-License-Identifier: Apache-2.0
// RFC 6455 framing without sockets: a reader that turns bytes into messages and control frames, and frame
// headers for writing. No extension is ever negotiated. Pure, one owner; used by server and client. Every
// byte is hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stentor::net {

enum class opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Close codes of RFC 6455 and our own (docs/protocol.md#close-codes): 4000 to 4099 reconnect, 4100 and up do
/// not.
enum class close_code : uint16_t {
  none = 0,
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported = 1003,
  no_status = 1005,
  bad_payload = 1007, ///< invalid UTF-8
  policy = 1008,
  too_big = 1009,
  internal = 1011,
  recycled = 4000,      ///< after `goaway`: reconnect, to any node
  slow = 4001,          ///< the device does not read what it is sent
  dead = 4002,          ///< no byte within the heartbeat timeout
  overloaded = 4003,    ///< reconnect later
  superseded = 4100,    ///< a newer connection of this device took over: do not reconnect
  unauthorized = 4101,  ///< no token, or a bad one: get a new token first
  token_expired = 4102, ///< get a new token first
  malformed = 4103,     ///< frames that do not parse: mend the client
};

/// Where a `frame_reader` puts what it read. Views are valid during the call; `on_message` may change the
/// bytes.
class frame_sink {
public:
  virtual ~frame_sink() = default;
  /// A whole text or binary message; text is valid UTF-8. `frame_reader::read_slack` readable bytes follow
  /// it. False stops the reader for good (the owner closed).
  virtual bool on_message(opcode kind, std::span<char> body) = 0;
  /// A ping, pong or close frame; at most 125 bytes. False stops the reader.
  virtual bool on_control(opcode kind, std::span<char> body) = 0;
};

/// What a `feed` came to: `none` as long as all is well, else the code to close with and a static sentence.
struct frame_error {
  close_code code = close_code::none;
  const char *reason = nullptr;
  explicit operator bool() const noexcept { return code != close_code::none; }
};

class frame_reader {
public:
  /// Readable bytes behind every message and every input: parsers of messages read beyond the end (simdjson).
  static constexpr size_t read_slack = 64;

  enum class role : uint8_t { server, client }; ///< a server demands masked frames, a client unmasked ones

  frame_reader(role r, size_t max_message_bytes) noexcept;

  /// Takes bytes as they come; unmasks in place. `bytes` must have `frame_reader::read_slack` readable bytes
  /// behind it. After an error or a `false` of the sink it takes nothing more.
  frame_error feed(std::span<char> bytes, frame_sink &sink);

  /// Bytes held for an incomplete message; 0 for an idle reader, which owns no heap memory.
  size_t held_bytes() const noexcept;
  /// Whether a message has begun and not ended (fragmented or cut): its owner bounds how long that may last.
  bool is_inside_message() const noexcept;

  ~frame_reader();
  frame_reader(frame_reader &&) noexcept;
  frame_reader &operator=(frame_reader &&) noexcept;

private:
  struct partial; ///< what is remembered between two feeds: nothing, in the common case
  struct header;

  /// Takes one frame, or the piece of one that is there, from the front of `bytes`. False stops the reader.
  bool step(std::span<char> &bytes, frame_sink &sink, frame_error &error);
  bool begin_frame(const header &frame, std::span<char> &bytes, frame_sink &sink, frame_error &error);
  bool continue_frame(std::span<char> &bytes, frame_sink &sink, frame_error &error);
  bool end_frame(frame_sink &sink, frame_error &error);
  /// Checks the first byte of a frame, and the second where it is there.
  frame_error check_start(const char *head, size_t available) const noexcept;
  frame_error check_length(const header &frame) const noexcept;
  size_t max_frames() const noexcept;

  std::unique_ptr<partial> partial_;
  uint32_t max_message_bytes_;
  role role_;
  bool stopped_ = false;
};

/// The 2 to 10 bytes before an unmasked payload of `size` bytes (FIN set), as a view into `space`.
std::string_view frame_header(opcode kind, size_t size, std::span<char, 10> space) noexcept;

/// A whole masked frame as clients send it, appended to `out`.
void append_masked_frame(std::string &out, opcode kind, std::string_view body, uint32_t mask);

/// Body of a close frame: code and reason (cut to 123 bytes at a character).
std::string close_body(close_code code, std::string_view reason);

/// The code of a received close body; `no_status` for an empty one, `protocol_error` where RFC 6455 7.4
/// forbids it or the reason is not UTF-8.
close_code parse_close(std::span<const char> body) noexcept;

} // namespace stentor::net
