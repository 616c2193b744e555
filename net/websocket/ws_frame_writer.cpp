// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/ws_frame.hpp"
#include "net/websocket/ws_mask.hpp"

#include <simdjson.h>

#include <array>
#include <cstring>

namespace stentor::net {

namespace {

constexpr size_t max_reason_bytes = 123;

/// Writes the first two bytes and the length; `mask_bit` is 0 or 0x80. Returns the number of bytes.
size_t put_header(char *at, opcode kind, size_t size, uint8_t mask_bit) noexcept {
  at[0] = static_cast<char>(0x80 | static_cast<uint8_t>(kind));
  if (size <= 125) {
    at[1] = static_cast<char>(mask_bit | size);
    return 2;
  }
  auto width = size <= 0xffff ? 2u : 8u;
  at[1] = static_cast<char>(mask_bit | (width == 2 ? 126 : 127));
  for (auto i = 0u; i < width; ++i)
    at[2 + i] = static_cast<char>(size >> 8 * (width - 1 - i));
  return 2 + width;
}

/// Whether a peer may send `code` (RFC 6455 7.4 and the codes registered since, up to 1014).
constexpr bool may_be_sent(uint16_t code) {
  if (code >= 3000)
    return code <= 4999;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

} // namespace

std::string_view frame_header(opcode kind, size_t size, std::span<char, 10> space) noexcept {
  return {space.data(), put_header(space.data(), kind, size, 0)};
}

void append_masked_frame(std::string &out, opcode kind, std::string_view body, uint32_t mask) {
  std::array<char, 10> head;
  out.append(head.data(), put_header(head.data(), kind, body.size(), 0x80));
  std::array<char, 4> key;
  std::memcpy(key.data(), &mask, sizeof mask);
  out.append(key.data(), key.size());
  auto start = out.size();
  out.append(body);
  apply_mask({out.data() + start, body.size()}, key, 0);
}

std::string close_body(close_code code, std::string_view reason) {
  if (code == close_code::none || code == close_code::no_status)
    return {};
  if (reason.size() > max_reason_bytes) {
    auto end = max_reason_bytes;
    while (end > 0 && (reason[end] & 0xc0) == 0x80)
      --end;
    reason = reason.substr(0, end);
  }
  auto number = static_cast<uint16_t>(code);
  std::string body{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  body += reason;
  return body;
}

close_code parse_close(std::span<const char> body) noexcept {
  if (body.empty())
    return close_code::no_status;
  if (body.size() < 2)
    return close_code::protocol_error;
  auto code = static_cast<uint16_t>(static_cast<uint8_t>(body[0]) << 8 | static_cast<uint8_t>(body[1]));
  if (!may_be_sent(code) || !simdjson::validate_utf8(body.data() + 2, body.size() - 2))
    return close_code::protocol_error;
  return static_cast<close_code>(code);
}

} // namespace stentor::net
