// SPDX-License-Identifier: Apache-2.0
// The clocks' types. `cluster/` never reads a clock: time arrives as an argument.
#pragma once

#include <chrono>
#include <cstdint>

namespace stentor {

/// A reading of this machine's monotonic clock. Never leaves the process.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// Wall-clock milliseconds since 1970, for message ids and for people. Never subtracted across machines.
using wall_ms = int64_t;

} // namespace stentor
