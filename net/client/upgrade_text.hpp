// SPDX-License-Identifier: Apache-2.0
// The client's half of the WebSocket upgrade (RFC 6455 section 4.1) as text. Pure but for the random key.
#pragma once

#include "net/client/client_device.hpp"

namespace stentor::net::client {

/// 16 random bytes in base 64, for `Sec-WebSocket-Key`.
std::string make_upgrade_key();

/// The whole request. `errc::config` where an option would break out of its line.
[[nodiscard]] caf::expected<std::string> upgrade_text(const device_options &options, std::string_view key);

/// Null where `answer` is a good upgrade for `key` and `encoding`, else what is wrong with it.
const char *upgrade_fault(const http_response &answer, std::string_view key, format encoding);

/// A frame's mask. From a pool of kernel randomness, so that it costs nanoseconds.
uint32_t next_mask();

} // namespace stentor::net::client
