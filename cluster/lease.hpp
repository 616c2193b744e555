// SPDX-License-Identifier: Apache-2.0
// Whether a loop may write: what it compares at the start of every turn, before it reads a socket. Membership
// publishes the end of the lease on the `lease_board`; each loop has a `lease_guard` of its own, which also
// notices that the loop was suspended (SIGSTOP, a suspended machine, a stalled disk under a page fault).
// Reads no clock and knows no actor, so that ThreadSanitizer can check it.
#pragma once

#include "cluster/cluster_limits.hpp"
#include "cluster/time.hpp"

#include <atomic>

namespace stentor {

/// The part that threads share: membership writes, loops read. 128 bytes apart from everything else that is
/// written, because each loop reads it every turn.
class alignas(128) lease_board {
public:
  /// Membership only. `until`: writing ends there; counted from when the renewal was *sent*, so that it is
  /// never later than what the directory grants. `asked_at`: when the question was sent whose answer this is.
  void publish(boot_time until, boot_time asked_at) noexcept {
    // Each value is stored for itself: a loop that sees only one of them new is at worst too careful, as both
    // must allow it to write. Release, so that what membership did before (a new incarnation's records
    // restored, a view handed out) is seen by a loop that writes under this lease.
    asked_at_.store(asked_at.time_since_epoch().count(), std::memory_order_relaxed);
    until_.store(until.time_since_epoch().count(), std::memory_order_release);
  }
  /// Membership only: nobody may write from now on, whatever was published before.
  void revoke() noexcept { until_.store(0, std::memory_order_release); }

  /// Any thread; the epoch of the clock where there is no lease.
  boot_time until() const noexcept { return read(until_, std::memory_order_acquire); }
  boot_time asked_at() const noexcept { return read(asked_at_, std::memory_order_relaxed); }

private:
  using count = boot_time::duration::rep;
  static boot_time read(const std::atomic<count> &x, std::memory_order order) noexcept {
    return boot_time{boot_time::duration{x.load(order)}};
  }

  std::atomic<count> until_{0};
  std::atomic<count> asked_at_{0};
  static_assert(std::atomic<count>::is_always_lock_free);
};

enum class lease_state : uint8_t {
  held, ///< may write
  past, ///< the lease has ended, or there never was one
  away, ///< this loop was away; membership has not asked since
};

/// The part of one loop, used by its thread only.
class lease_guard {
public:
  /// `board` outlives the guard.
  lease_guard(const lease_board &board, const cluster_limits &lim) noexcept
      : board_{&board}, away_{lim.away} {}

  /// At the start of every turn, with a reading taken after the loop woke up; a loop turns at least once a
  /// second, or it would take its own sleep for absence.
  lease_state turn(boot_time now) noexcept {
    // A step back is no known clock's doing; what cannot be explained is treated as absence.
    // The first turn of all is no return: there is nothing of a time before it that could be written.
    if (last_turn_ != boot_time{} && (now - last_turn_ > away_ || now < last_turn_))
      returned_at_ = now;
    last_turn_ = now;
    return state(now);
  }

  /// The same comparison once more, for a turn that took long: also true to an absence within the turn.
  lease_state state(boot_time now) const noexcept {
    if (now - last_turn_ > away_ || board_->asked_at() < returned_at_)
      return lease_state::away;
    return now < board_->until() ? lease_state::held : lease_state::past;
  }
  bool may_write(boot_time now) const noexcept { return state(now) == lease_state::held; }

private:
  const lease_board *board_;
  boot_time::duration away_;
  boot_time last_turn_{};
  boot_time returned_at_{};
};

} // namespace stentor
