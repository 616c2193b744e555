// SPDX-License-Identifier: Apache-2.0
// Reads what another process has used: CPU time to the nanosecond with its user and system parts, memory
// from smaps_rollup, kernel memory of the sockets, and how long a process was kept from its core. Reads
// /proc only; any thread.
#pragma once

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace stentor::bench {

/// CPU a process has used. The sum is exact (the scheduler's own account); its split into user and system is
/// the kernel's estimate from timer ticks, good over seconds, and better pooled over rounds.
struct cpu_time {
  uint64_t total_ns = 0;
  uint64_t user_ticks = 0;   ///< 10 ms each
  uint64_t system_ticks = 0; ///< 10 ms each
};
cpu_time cpu_of(pid_t pid);
/// The sum over several processes, such as the nodes of a cluster.
cpu_time cpu_of(const std::vector<pid_t> &pids);
cpu_time operator-(const cpu_time &a, const cpu_time &b) noexcept;
cpu_time operator+(const cpu_time &a, const cpu_time &b) noexcept;
/// The user part of `x` in ns, by its ticks; 0 without any tick.
double user_ns(const cpu_time &x) noexcept;

/// The busiest thread of a process: how long it ran, and how long it was ready to run while another one had
/// the core. Not the others: in a pinned server they wait for that one.
struct core_use {
  uint64_t ran_ns = 0;
  uint64_t waited_ns = 0;
};
core_use core_use_of(pid_t pid);

/// How long this machine's cores were ready to run and the hypervisor ran somebody else.
uint64_t stolen_ns();

/// The process's memory: shared pages by share (Pss), and what only it has.
struct memory_use {
  uint64_t pss_bytes = 0;
  uint64_t private_bytes = 0;
};
memory_use memory_of(pid_t pid);

/// Kernel memory of all sockets of this machine: buffers, and the slab caches a TCP socket takes from, where
/// /proc/slabinfo may be read (root).
struct kernel_memory {
  uint64_t tcp_buffer_bytes = 0;
  uint64_t slab_bytes = 0;
  bool has_slab = false;
};
kernel_memory kernel_socket_memory();

uint64_t steady_ns() noexcept;

} // namespace stentor::bench
