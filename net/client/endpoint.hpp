// SPDX-License-Identifier: Apache-2.0
// How a client finds its server: addresses, URLs, and the socket for one attempt. Resolving a name blocks, so
// it is done before the loop runs; everything else never blocks. No TLS yet: `wss` and `https` are refused by
// name.
#pragma once

#include "net/address.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net::client {

/// The parts of `ws://host:port/path?query` or `http://...`; the scheme may be left out.
struct url {
  std::string host; ///< without the brackets of an IPv6 address
  uint16_t port = 0;
  std::string target; ///< path and query, `/` or empty where the URL has none
  /// `host:port` as the Host header and messages show it.
  std::string authority() const;
};

/// `errc::config` for what is not a URL of `scheme` (`ws`, `http`), with a sentence that says what is wrong.
[[nodiscard]] caf::expected<url> parse_url(std::string_view text, std::string_view scheme,
                                           uint16_t default_port);

/// The first address of `host`. Blocks on DNS unless `host` is numeric; `errc::unavailable` where there is
/// none.
[[nodiscard]] caf::expected<socket_address> resolve(const std::string &host, uint16_t port);

/// A non-blocking socket whose connection is under way: what is written meanwhile waits, a failure shows as
/// the socket's end. `source`: a numeric local address, for test rigs that need more than one address's
/// ports. `errc::io` where the process is out of descriptors or ports.
[[nodiscard]] caf::expected<int> connect_to(const socket_address &to, const std::string &source = {});

/// `text` with everything but unreserved characters percent-encoded, for one query value or path segment.
std::string percent_encode(std::string_view text);

} // namespace stentor::net::client
