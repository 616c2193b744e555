// SPDX-License-Identifier: Apache-2.0
// One storm: four nodes with idle devices and traffic between three of them, and the fourth is killed. Says
// how its devices came back and what the traffic felt, phase by phase. The generator's thread.
#pragma once

#include "cluster/verdict.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/options.hpp"

#include <caf/expected.hpp>

#include <array>
#include <string>

namespace stentor::bench {

inline constexpr size_t storm_nodes = 4;
inline constexpr uint32_t storm_pairs = 150;  ///< of devices with traffic, each over two of the survivors
inline constexpr double storm_rate = 2'500;   ///< messages a second over all of them
inline constexpr uint32_t storm_sample = 300; ///< moved devices that are written to at the end

/// In the order of time; the figures of each are its own.
struct storm_phases {
  load_figures before; ///< 5 s
  load_figures during; ///< from the kill until all are back
  load_figures after;  ///< 5 s from then on
  load_figures sweep;  ///< from then on until 9 s after the kill: by then the dead node is swept
};

struct storm_result {
  storm_phases phases;
  // -- the dead node's devices, after the kill ----
  uint64_t until_half_ns = 0; ///< are back
  uint64_t until_most_ns = 0; ///< 99 %
  uint64_t until_all_ns = 0;
  uint64_t away_p99_ns = 0; ///< of a device, from its loss to `welcome`
  uint64_t try_p99_ns = 0;  ///< of a device, from its last try to `welcome`
  uint64_t failed_tries = 0;
  // -- at the end ----
  uint64_t missing = 0;      ///< idle devices that are not connected
  uint64_t healthy_lost = 0; ///< connections of survivors, idle ones and those with traffic
  std::string first_failure; ///< of the traffic; empty where all was well
  verdict left_behind{};     ///< for a message to a device of the dead node that did not come back
  uint32_t sample = 0;
  uint32_t reached = 0;        ///< of the sample, from every survivor, another node than its own among them
  std::string not_reached{};   ///< what was said instead, of the first
  verification checked;        ///< of the traffic
  uint64_t wrong_verdicts = 0; ///< of the traffic
  bool is_disturbed = false;   ///< the generator was late already before the kill
};

/// `errc::io` where the cluster or the devices did not come up, or not all came back within 60 s.
caf::expected<storm_result> run_storm(const options &how, unsigned source_net);

} // namespace stentor::bench
