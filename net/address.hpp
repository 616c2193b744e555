// SPDX-License-Identifier: Apache-2.0
// Socket addresses as people write them: `127.0.0.1:7400`, `[::1]:7400`, `localhost:0`. Numeric only, so that
// nothing here ever waits for a name server. Pure.
#pragma once

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace stentor::net {

/// An IPv4 or IPv6 address with its port.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr *get() const noexcept { return reinterpret_cast<const sockaddr *>(&storage); }
  sockaddr *get() noexcept { return reinterpret_cast<sockaddr *>(&storage); }
  int family() const noexcept { return storage.ss_family; }
  uint16_t port() const noexcept;
  bool is_loopback() const noexcept;
};

/// Reads "host:port"; `host` is an IPv4 address, an IPv6 address in brackets or `localhost` (127.0.0.1).
/// `errc::config` with the value and what is allowed otherwise.
[[nodiscard]] caf::expected<socket_address> parse_address(std::string_view text);

/// The form that `parse_address` reads.
std::string to_string(const socket_address &address);

/// Whether `text` is an address that only this machine can reach. False where it does not parse.
bool is_loopback(std::string_view text);

} // namespace stentor::net
