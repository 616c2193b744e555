// SPDX-License-Identifier: Apache-2.0
// What every part of an event loop may use of it: its clock, timers, counters, limits, random numbers and a
// scratch buffer. The loop is one and owns the values; its parts hold a reference. Confined to the loop's
// thread, asserted in debug builds. Leads to no other part: who needs one is given it, or a port.
#pragma once

#include "cluster/limits.hpp"
#include "cluster/time.hpp"
#include "net/event_loop.hpp"

#include <caf/execution_unit.hpp>
#include <caf/fwd.hpp>
#include <caf/mailbox_element.hpp>

#include <atomic>
#include <cassert>
#include <memory>
#include <random>
#include <string>
#include <thread>

namespace stentor::actors {

struct node_context;
class hosted_list;
class loop_counters;

class loop_env : public caf::execution_unit {
public:
  ~loop_env() override;

  node_context &context() noexcept { return ctx_; }
  const limits &lim() const noexcept { return lim_; }
  uint16_t index() const noexcept { return index_; }
  net::event_loop &io() noexcept {
    assert_here();
    return *io_;
  }
  /// Read at the start of a turn and before each flush.
  time_point now() const noexcept { return io_->now(); }
  /// The wall clock, read once per turn.
  wall_ms wall_now() const noexcept { return wall_now_; }
  loop_counters &counters() noexcept { return counters_; }
  std::mt19937_64 &random() noexcept { return random_; }
  /// A buffer to encode frames in, empty; one user at a time.
  std::string &scratch() noexcept {
    scratch_.clear();
    return scratch_;
  }
  /// The living actors of this loop.
  hosted_list &actors() noexcept { return actors_; }
  /// Asserts, in debug builds, that the caller runs on this loop.
  void assert_here() const noexcept {
    [[maybe_unused]] auto owner = thread_.load(std::memory_order_relaxed);
    assert(owner == std::thread::id{} || owner == std::this_thread::get_id());
  }

  /// Any thread. A message for a hosted actor of this loop.
  virtual void enqueue(caf::strong_actor_ptr to, caf::mailbox_element_ptr what) = 0;

protected:
  /// `actors` is the loop's own member and may not be constructed yet.
  loop_env(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io, hosted_list &actors);

  node_context &ctx_;
  std::unique_ptr<net::event_loop> io_;
  wall_ms wall_now_ = 0;
  std::atomic<std::thread::id> thread_{}; ///< none before the loop runs

private:
  const limits &lim_;
  uint16_t index_;
  loop_counters &counters_;
  std::mt19937_64 random_;
  std::string scratch_;
  hosted_list &actors_;
};

/// A moment as the actor table counts it.
inline int64_t in_ms(time_point x) noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(x.time_since_epoch()).count();
}

} // namespace stentor::actors
