// SPDX-License-Identifier: Apache-2.0
// Looks inside a node at a bounded cost: asks every loop for its busiest actors, merges what came within a
// second. An ordinary typed actor; owns nothing but its questions.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"

namespace stentor::actors {

struct inspector_state {
  /// Declared, so that this is no aggregate: C++20 would let CAF initialise the first member from the actor's
  /// pointer.
  inspector_state() = default;
  static constexpr const char *name = "inspector";
  std::vector<caf::actor> inboxes; ///< of the loops, by index
  std::shared_ptr<const metrics> numbers;
};

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         std::vector<caf::actor> inboxes,
                                         std::shared_ptr<const metrics> numbers);

/// The first `most` of all rows: most queued first, then most handled, then the oldest actor.
std::vector<actor_info> merge_rows(std::vector<std::vector<actor_info>> parts, size_t most);

} // namespace stentor::actors
