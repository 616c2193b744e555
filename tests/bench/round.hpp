// SPDX-License-Identifier: Apache-2.0
// One round: warm up, measure, stop, wait until everything has settled; and several rounds of several sides
// interleaved, so that what changes on the machine meanwhile hits all sides alike. The generator's thread.
#pragma once

#include "tests/bench/load.hpp"
#include "tests/bench/measure.hpp"

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace stentor::bench {

struct round_times {
  uint64_t warm_ns = 300'000'000;
  uint64_t measure_ns = 1'500'000'000;
  bool spin = false; ///< open loop: poll without sleeping, so that the generator's own wake-ups cost nothing
  /// Every connected fleet of the scenario. The pings of those whose round this is not are answered before
  /// and after the measured time, and every `attended_every_ns` of a longer one: a fleet's next round can be
  /// many rounds away, and a device that is silent for so long is dead to its server.
  std::vector<fleet *> fleets;
};
inline constexpr uint64_t attended_every_ns = 2'000'000'000; ///< a server waits 10 s for the answer to a ping

struct round_result {
  uint64_t messages = 0;
  uint64_t wall_ns = 0;
  cpu_time server;
  uint64_t generator_cpu_ns = 0;
  uint64_t system_calls = 0; ///< of the server; only in rounds that count them
  histogram latency;
  histogram verdict_delay; ///< open loop with verdicts only
  histogram lag;
  verification checked;
  uint64_t wrong_verdicts = 0;
  uint64_t kept_waiting_ns = 0; ///< how long server and generator waited for a core somebody else had
  std::string failure;

  double per_message(double total) const noexcept { return messages ? total / double(messages) : 0; }
  double cpu_us() const noexcept { return per_message(double(server.total_ns) / 1e3); }
};

/// Counts something of the server, read at the begin and the end of the measured time.
using counter_reader = std::function<uint64_t()>;

/// `servers`: one, or the nodes of a cluster on the same core, whose CPU is summed. Fails, by
/// `round_result::failure`, where connections of `f` were lost before.
round_result run_round(fleet &f, load &traffic, const std::vector<pid_t> &servers, const round_times &times,
                       const counter_reader &system_calls = {});

/// A round counts as disturbed where the generator was late or either core was taken by somebody else.
bool is_disturbed(const round_result &round) noexcept;

struct side {
  std::string name;
  std::function<round_result()> run;
};

struct interleaved {
  std::vector<std::vector<round_result>> rounds; ///< by side, one a repetition
  uint64_t repeated = 0;                         ///< disturbed rounds thrown away
  uint64_t kept_disturbed = 0;                   ///< still disturbed after the last try, and kept
};

/// Runs every side once, `repetitions` times, turning the order each time. A disturbed round is repeated at
/// most `tries` times.
interleaved run_interleaved(const std::vector<side> &sides, int repetitions, int tries,
                            const std::function<void(const std::string &)> &progress);

} // namespace stentor::bench
