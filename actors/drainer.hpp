// SPDX-License-Identifier: Apache-2.0
// Asks the devices of a loop to leave, in slices, because its node drains. Confined to its loop.
#pragma once

#include "cluster/drain_plan.hpp"
#include "cluster/time.hpp"
#include "net/timer_wheel.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <caf/actor_control_block.hpp>

namespace stentor::actors {

class loop_env;

class drainer {
public:
  explicit drainer(loop_env &host) : host_{host} {}

  /// Once. `capacity`: how many devices a second the other nodes take in from this loop.
  void start(std::chrono::milliseconds over, size_t capacity);
  void stop() { tick_.cancel(); }

private:
  void on_tick();
  void ask(const caf::strong_actor_ptr &who);

  loop_env &host_;
  std::optional<drain_plan> plan_;
  std::vector<caf::strong_actor_ptr> everyone_; ///< as it was at the start, in random order
  size_t asked_ = 0;
  time_point began_;
  net::timer_for<drainer, &drainer::on_tick> tick_{this};
};

} // namespace stentor::actors
