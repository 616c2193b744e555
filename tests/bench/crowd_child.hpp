// SPDX-License-Identifier: Apache-2.0
// A process that holds many idle devices, because one process has not enough descriptors for a whole
// cluster's: `stentor-bench serve-crowd`. Started and told what to do by `crowd_process`. One thread.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace stentor::bench {

struct crowd_plan {
  std::string server;              ///< HOST:PORT
  std::vector<std::string> others; ///< where its devices go when they lose that one
  std::string secret;              ///< that signs its tokens
  uint32_t first = 0; ///< number of its first device; numbers are unique over all crowds of a scenario
  uint32_t devices = 0;
  uint32_t at_once = 128;   ///< handshakes under way
  unsigned source_net = 20; ///< of its fleet
  int control_fd = -1;
};

/// What the parent sends: connect everybody; from now on whoever loses its connection comes back at one of
/// the other servers; or say how it is.
enum class crowd_command : char { connect = 'c', survive = 's', report = 'r' };

/// The answer to each; in memory as it is, both ends are the same program.
struct crowd_report {
  uint64_t connected = 0;
  uint64_t wait_p50_ns = 0; ///< of the last `connect`: from opening a connection to `welcome`
  uint64_t wait_p99_ns = 0;
  uint64_t tried_again = 0; ///< connections that were refused or cut on the way
  bool failed = false;      ///< `connect` did not finish

  // -- since `survive` ----
  uint64_t lost = 0;           ///< connections
  uint64_t failed_tries = 0;   ///< to have them back
  uint64_t first_loss_ns = 0;  ///< on the steady clock; 0 where nothing was lost
  uint64_t last_return_ns = 0; ///< on the steady clock; 0 where nobody came back
  uint64_t away_p50_ns = 0;    ///< of a device, from its loss to `welcome`
  uint64_t away_p99_ns = 0;
  uint64_t away_max_ns = 0;
  uint64_t back_p50_ns = 0; ///< from the first loss until so many were welcome again
  uint64_t back_p99_ns = 0;
  uint64_t try_p50_ns = 0; ///< of a device, from its last try to `welcome`
  uint64_t try_p99_ns = 0;
};

/// 16 characters each; three devices share an account.
std::string crowd_device_name(uint32_t number);
std::string crowd_account_name(uint32_t number);

/// Signs its tokens, prints `ready device=HOST:PORT`, obeys until the control descriptor ends. Returns the
/// process's exit code.
int run_crowd(const crowd_plan &plan);

} // namespace stentor::bench
