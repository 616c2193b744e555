// SPDX-License-Identifier: Apache-2.0
// The floor as a running target: its process, its own counters, and a fleet of connections to it. Owned by a
// scenario; the generator's thread.
#pragma once

#include "tests/bench/floor_dialect.hpp"
#include "tests/bench/floor_server.hpp"
#include "tests/bench/server_process.hpp"
#include "tests/bench/wave.hpp"

#include <caf/expected.hpp>

#include <memory>

namespace stentor::bench {

class floor_target {
public:
  /// Starts the floor on `core`.
  static caf::expected<std::unique_ptr<floor_target>> start(int core);
  ~floor_target();

  /// Opens what is missing of `count` connections and waits until the server has registered them all.
  [[nodiscard]] caf::expected<wave_result> connect(uint32_t count, size_t at_once);

  fleet &connections() noexcept { return fleet_; }
  pid_t pid() const noexcept { return process_.pid(); }
  const net::socket_address &address() const noexcept { return process_.device_address(); }
  const floor_counters &counters() const noexcept { return *counters_; }
  floor_dialect &speaks() noexcept { return dialect_; }

private:
  floor_target(server_process process, floor_counters *counters);

  server_process process_;
  floor_counters *counters_; ///< shared with the server
  floor_dialect dialect_;
  fleet fleet_{1};
};

} // namespace stentor::bench
