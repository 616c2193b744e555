// SPDX-License-Identifier: Apache-2.0
// A redis-server of the scenario's own, for the directory of a cluster: started empty on a free port of
// loopback, pinned, without persistence, ended with its owner. The owner's thread only.
#pragma once

#include "net/address.hpp"
#include "tests/bench/server_process.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stentor::bench {

class redis_process {
public:
  /// `program`: redis-server. `errc::io` where it does not start.
  static caf::expected<redis_process> start(const std::string &program, int core);

  pid_t pid() const noexcept { return process_.pid(); }
  /// `redis://127.0.0.1:PORT/0`
  std::string url() const;
  /// A number of `INFO SECTION`, such as `used_memory` of `memory`. `errc::io` where it does not answer
  /// within 2 s or has no such field.
  caf::expected<uint64_t> info(std::string_view section, std::string_view field) const;

private:
  redis_process(server_process process, uint16_t port) : process_(std::move(process)), port_(port) {}

  server_process process_;
  uint16_t port_;
};

/// The number behind `field:` at the begin of a line of INFO's answer; nothing where there is none.
std::optional<uint64_t> redis_info_number(std::string_view answer, std::string_view field);

} // namespace stentor::bench
