// SPDX-License-Identifier: Apache-2.0
// What a run of the benchmark was asked for; one struct, filled from the command line. Immutable after that.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace stentor::bench {

struct options {
  // -- where ----
  int server_core = 1;
  int generator_core = 0;
  std::string server_program;                 ///< stentord; empty: the floor alone
  std::vector<std::string> server_arguments;  ///< more flags for it
  std::string against_program;                ///< another stentord, for `against`
  std::string server_log;                     ///< file for its log; empty: none
  std::string redis_program = "redis-server"; ///< for the directory of a cluster

  // -- how much ----
  int pairs = 7;                  ///< rounds a side
  int tries = 3;                  ///< a disturbed round is repeated so often
  double seconds = 1.5;           ///< measured time of a round
  uint32_t devices = 2'000;       ///< d2d and push; even
  uint32_t idle_devices = 18'000; ///< below the usual descriptor limit of 20,000 a process
  uint32_t herd_devices = 15'000;
  uint32_t back_ends = 16; ///< keep-alive connections of push
  uint32_t batch = 100;    ///< messages of a batch push

  // -- cluster ----
  /// Over two nodes; even. With 16 in flight each, 8,000 are under way each way: more than twice as many
  /// would pass the 8 MiB that one loop may have under way to another, and then `congested` is the right
  /// answer.
  uint32_t cluster_devices = 1'000;

  uint32_t first_contacts = 500; ///< a round, each to a device nobody there has sent to before
  double first_rate = 400;       ///< of them a second
  /// Idle on each of three nodes, or spread over the four of a storm; below the descriptor limit of a
  /// process.
  uint32_t node_devices = 12'000;
  int connect_pairs = 3; ///< rounds of a storm, and of each side of connecting those

  // -- d2d ----
  std::vector<uint32_t> windows{1, 16};
  double rate = 0;     ///< open loop; 0: closed loop with each window
  bool json = true;    ///< also in JSON, which is reported and not judged
  bool written = true; ///< also with `want:"written"`
  bool spin = false;   ///< open loop: the generator polls without sleeping

  std::function<void(const std::string &)> progress = [](const std::string &) {};
};

} // namespace stentor::bench
