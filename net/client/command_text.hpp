// SPDX-License-Identifier: Apache-2.0
// The texts of stentorctl: payloads from what people type, frames and verdicts for people to read. Pure. Text
// from a node or another device is made harmless for a terminal first.
#pragma once

#include "net/client/commands.hpp"
#include "net/codec/protocol.hpp"

#include <string>
#include <string_view>

namespace stentor::net::client {

/// `text` without control characters (each becomes a space, also the C1 ones that terminals obey). JSON stays
/// the same value: there they can only be white space.
std::string printable(std::string_view text);

/// `text` where it is JSON and not `is_text`, else as a JSON string.
std::string payload_of(std::string_view text, bool is_text);

exit_code exit_code_of(verdict v) noexcept;

/// One line for people, without its end; `f` is the format of `frame.data`.
std::string describe(format f, const server_frame &frame);

/// What a person typed into `connect`.
struct typed_line {
  enum class kind : uint8_t { nothing, send, raw, devices, watch, unwatch, ack, quit, wrong };
  kind what = kind::nothing;
  std::string to;   ///< send: the device; ack: the id
  std::string text; ///< send: the payload; raw: the frame; wrong: what is wrong
};
typed_line read_typed(std::string_view line);

} // namespace stentor::net::client
