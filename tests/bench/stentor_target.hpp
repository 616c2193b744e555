// SPDX-License-Identifier: Apache-2.0
// The server under test as a running target: stentord on one loop, pinned to its core, with rates lifted so
// that the generator and not a limit sets the pace. Owned by a scenario.
#pragma once

#include "tests/bench/node_access.hpp"
#include "tests/bench/options.hpp"
#include "tests/bench/server_process.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <string>
#include <vector>

namespace stentor::bench {

/// How many connections a second a node takes in: as many as come, or what it does on its own.
enum class admission : uint8_t { lifted, as_shipped };

/// The command line of a node under test: what all share, then `own`, then what the caller of the benchmark
/// wants.
std::vector<std::string> node_arguments(const options &how, const node_access &access,
                                        const std::vector<std::string> &own,
                                        admission admits = admission::lifted);

class stentor_target {
public:
  /// Starts `how.server_program` with the embedded directory, and tries it out.
  static caf::expected<std::unique_ptr<stentor_target>> start(const options &how, node_access access);

  pid_t pid() const noexcept { return process_.pid(); }
  const net::socket_address &device_address() const noexcept { return process_.device_address(); }
  const net::socket_address &api_address() const noexcept { return process_.api_address(); }
  const node_access &access() const noexcept { return access_; }

private:
  stentor_target(server_process process, node_access access)
      : process_(std::move(process)), access_(std::move(access)) {}

  server_process process_;
  node_access access_;
};

} // namespace stentor::bench
