// SPDX-License-Identifier: Apache-2.0
// The scenarios of stentor-bench. Each starts its servers, runs its interleaved rounds, adds its findings to
// the report and ends its servers. They return an error where they could not be finished; missing the bar is
// not an error. docs/benchmark.md says what each one counts.
#pragma once

#include "tests/bench/options.hpp"
#include "tests/bench/report.hpp"

#include <caf/error.hpp>

namespace stentor::bench {

/// The floor alone: d2d with 1 and 16 in flight, open loop, push pattern, accept.
[[nodiscard]] caf::error run_floor(const options &how, report &out);
/// Device to device, closed loop with one window or open loop at `how.rate`.
[[nodiscard]] caf::error run_d2d(const options &how, uint32_t window, double rate, report &out);
/// HTTP direct push, one by one and in batches.
[[nodiscard]] caf::error run_push(const options &how, report &out);
/// Connects devices with tokens: CPU each, connections a second, memory each while idle.
[[nodiscard]] caf::error run_idle(const options &how, report &out);
/// All connected devices lose their connections and reconnect at once.
[[nodiscard]] caf::error run_herd(const options &how, report &out);

// -- two servers beside each other: `how.against_program` takes the floor's place ----

/// Device to device, closed loop.
[[nodiscard]] caf::error run_d2d_against(const options &how, uint32_t window, report &out);
/// Connects devices with tokens, as `run_idle`.
[[nodiscard]] caf::error run_idle_against(const options &how, report &out);

// -- shared by their sources ----

/// The same for the other server.
options of_other(options how);
/// An error where a round failed; `side` names it.
[[nodiscard]] caf::error check_rounds(const interleaved &all, const std::vector<side> &sides);
/// Adds what was lost, duplicated, reordered, misrouted and wrongly answered in all rounds, held against 0.
void add_verification(report &out, const std::string &what, const interleaved &all);
/// Notes repeated and disturbed rounds, where there were any.
void note_disturbances(report &out, const std::string &what, const interleaved &all);

} // namespace stentor::bench
