// SPDX-License-Identifier: Apache-2.0
// What membership knows and everybody reads: who owns which slot, whether the directory is away, until when
// this node may write. Written by membership alone, read on any thread. A single node's never changes.
#pragma once

#include "actors/core/types.hpp"
#include "cluster/lease.hpp"
#include "cluster/slots.hpp"
#include "storage/directory.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace stentor::actors {

class cluster_view {
public:
  /// Null on a single node: every slot is ours. Never null once a view was set.
  std::shared_ptr<const slot_map> slots() const {
    std::lock_guard guard{mutex_};
    return slots_;
  }
  void set_slots(std::shared_ptr<const slot_map> next) {
    std::lock_guard guard{mutex_};
    slots_ = std::move(next);
  }

  /// The directory is away for everyone: binds are provisional, lookups are not answered.
  std::atomic<bool> outage{false};
  /// The directory is back a moment ago: what it lacks may only not be back yet.
  std::atomic<bool> doubtful{false};
  /// Not a member yet, or of a directory so young that others may be missing from it: nobody here knows what
  /// it went through. Nothing to tell peers, or a new cluster's nodes would keep each other in doubt.
  std::atomic<bool> joining{false};
  /// A device that the directory lacks may be there all the same: it is unknown, not offline.
  bool is_doubtful() const noexcept { return doubtful || joining; }
  /// The same of what the directory's process `run` answered. Another connection than membership's may meet a
  /// process first that came back empty: nothing it lacks counts before membership has drawn its conclusions.
  bool is_doubtful(const std::string &run) const {
    return !is_known_run(run) || is_doubtful(); // in this order: `set_run` comes after the flag
  }
  /// Whether that process is the one membership knows, or it knows none yet.
  bool is_known_run(const std::string &run) const {
    std::lock_guard guard{mutex_};
    return run_.empty() || run == run_;
  }
  /// After `doubtful`, where the process is another one.
  void set_run(const std::string &run) {
    std::lock_guard guard{mutex_};
    run_ = run;
  }
  /// Why the node takes no work, by membership: a static word; null while it does.
  std::atomic<const char *> not_ready{nullptr};
  /// Why no other node can link to this one, by the mesh: a static text, null if they can.
  std::atomic<const char *> port_trouble{nullptr};
  /// Why the node is not ready, for `/readyz` and operators; null if it is.
  const char *why_not_ready() const noexcept {
    auto *why = not_ready.load(std::memory_order_relaxed);
    return why ? why : port_trouble.load(std::memory_order_relaxed);
  }
  /// The end of the lease on the directory's clock, for its writes.
  std::atomic<storage::directory_time> lease_end{0};
  /// Had a lease once. Before that there is no device to write for, and the API says what is missing.
  bool has_joined() const noexcept { return lease_end.load(std::memory_order_relaxed) != 0; }
  /// The directory's clock less ours, microseconds, at least: where an answer took long it is ahead of that.
  std::atomic<int64_t> clock_ahead_us{0};
  /// The directory's time, or some earlier one: late by as long as its answers take. 0 where it is not known.
  storage::directory_time directory_now(boot_time now) const noexcept {
    auto ahead = clock_ahead_us.load(std::memory_order_relaxed);
    auto ours = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    return ahead == 0 ? 0 : ours + ahead;
  }
  /// Until when the directory may still carry out what is asked now, on its clock: while there is a lease,
  /// and no longer than about `most` from now.
  storage::directory_time write_until(boot_time now, std::chrono::milliseconds most) const noexcept {
    auto end = lease_end.load(std::memory_order_relaxed);
    auto at = directory_now(now + most);
    return at == 0 ? end : std::min(end, at); // a single node's directory answers at once
  }
  /// The same on ours, for the loops.
  lease_board lease;

  std::atomic<renew_word> can_renew{renew_word::unknown};
  /// Loops that take devices.
  std::atomic<size_t> open_loops{0};
  /// This incarnation is over: main stops the node and starts another.
  std::atomic<bool> lost{false};
  /// The operator wants the node to drain: main does, as on SIGTERM.
  std::atomic<bool> drain_asked{false};
  /// Over this time; negative: as configured. Set before `drain_asked`.
  std::atomic<int64_t> drain_over_ms{-1};

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const slot_map> slots_;
  std::string run_; ///< of the directory
};

} // namespace stentor::actors
