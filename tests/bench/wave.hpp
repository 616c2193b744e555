// SPDX-License-Identifier: Apache-2.0
// Connects the closed connections of a fleet and says what that took: the server's CPU, the time until the
// last was ready, and each one's wait. The generator's thread.
#pragma once

#include "tests/bench/fleet.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/measure.hpp"

#include <caf/expected.hpp>

#include <functional>

namespace stentor::bench {

struct wave_result {
  uint64_t connections = 0;
  uint64_t wall_ns = 0;
  cpu_time server;
  uint64_t lost = 0; ///< refused or cut, and tried again
  histogram wait;    ///< from `connect` to ready, each

  double cpu_us() const noexcept {
    return connections ? double(server.total_ns) / 1e3 / double(connections) : 0;
  }
};

inline constexpr size_t everybody = SIZE_MAX;

/// Opens all closed connections of `f`, at most `at_once` of them under way at a time. Lost ones are tried
/// again at once. `servers`: whose CPU is summed. `is_done`: where the server says nothing to a client that
/// is ready; else empty. `yields`: sleeps while nothing may be opened, for a generator that shares its core;
/// else it polls. `errc::io` after 60 s, with the last reason a connection was lost.
caf::expected<wave_result> open_wave(fleet &f, const std::vector<pid_t> &servers, size_t at_once,
                                     const std::function<bool()> &is_done = {}, bool yields = false);

} // namespace stentor::bench
