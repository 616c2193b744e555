// SPDX-License-Identifier: Apache-2.0
// Tells whether somebody else took the cores from the servers and the generator while they were measured.
// Servers that share a core wait for each other, and that is their own cost: only what none of them ran
// counts. Reads /proc; the generator's thread.
#pragma once

#include "tests/bench/measure.hpp"

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace stentor::bench {

class core_watch {
public:
  /// `servers`: all pinned to one core. Watches from now on.
  explicit core_watch(std::vector<pid_t> servers);

  /// Since the begin: how long servers and generator waited for strangers, and the machine for its
  /// hypervisor.
  uint64_t kept_waiting_ns() const;

private:
  std::vector<pid_t> servers_;
  std::vector<core_use> before_; ///< by server
  cpu_time cpu_before_;
  uint64_t others_before_;
};

/// How long processes on one core were kept from it by strangers: the longest any one of them ran or was
/// ready to, less what all of them ran. Pure. `wanted_ns` by process.
uint64_t kept_by_strangers_ns(const std::vector<uint64_t> &wanted_ns, uint64_t all_ran_ns) noexcept;

} // namespace stentor::bench
