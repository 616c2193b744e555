// SPDX-License-Identifier: Apache-2.0
// The clocks' types. `cluster/` never reads a clock: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>

namespace stentor {

/// A reading of this machine's monotonic clock. Never leaves the process.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// Names readings of CLOCK_BOOTTIME, which goes on while the machine sleeps: a lease must not outlive a
/// suspend. Has no `now()`: whoever may read clocks makes the readings.
struct boot_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<boot_clock>;
  static constexpr bool is_steady = true;
};
using boot_time = boot_clock::time_point;

/// A reading of the directory's own clock, microseconds since 1970: the only clock all nodes share. Compared
/// only with other readings of the same.
using directory_micros = int64_t;

/// Wall-clock milliseconds since 1970, for message ids and for people. Never subtracted across machines.
using wall_ms = int64_t;

/// The moment `wait` from `now`, for a `wait` that somebody outside names: past a hundred years either way
/// it is `time_point::max()` or `now`, so that nothing done with it later overflows.
constexpr time_point after(time_point now, std::chrono::milliseconds wait) noexcept {
  constexpr std::chrono::milliseconds century = std::chrono::hours{24 * 365 * 100};
  if (wait > century)
    return time_point::max();
  return wait < -century ? now : now + wait;
}

} // namespace stentor
