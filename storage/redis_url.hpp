// SPDX-License-Identifier: Apache-2.0
// The address of a Redis: `redis://[[user]:password@]host[:port][/db]` or `unix:///path[?db=N]`. Parsing
// only; pure, any thread. The password never appears in a text this file makes.
#pragma once

#include "cluster/errc.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::storage {

struct redis_url {
  std::string host; ///< a name or a numeric address, IPv6 without brackets; empty for a socket file
  uint16_t port = 6379;
  std::string path; ///< of the socket file, empty for TCP
  std::string user; ///< empty: Redis's default user
  std::string password;
  uint32_t db = 0;

  /// The address for people: `127.0.0.1:6379`, `[::1]:6379/3`, `unix:/run/redis.sock`.
  std::string shown() const;
  friend bool operator==(const redis_url &, const redis_url &) = default;
};

/// `errc::config` with what is wrong and what is allowed. User and password may be percent-encoded.
[[nodiscard]] caf::expected<redis_url> parse_redis_url(std::string_view text);

} // namespace stentor::storage
