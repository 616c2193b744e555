// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/session_table.hpp"

namespace stentor::actors {

session_ref session_table::reserve() {
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(cells_.size());
    cells_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  cells_[index].generation = ++generations_;
  return {loop_, index, generations_};
}

void session_table::fill(const session_ref &ref, session_port &who, caf::strong_actor_ptr keeps_alive) {
  cells_[ref.index].who = &who;
  cells_[ref.index].keeps_alive = std::move(keeps_alive);
}

void session_table::erase(const session_ref &ref) {
  if (ref.index >= cells_.size() || cells_[ref.index].generation != ref.generation)
    return;
  cells_[ref.index].generation = 0;
  cells_[ref.index].who = nullptr;
  cells_[ref.index].keeps_alive = nullptr;
  free_.push_back(ref.index);
}

} // namespace stentor::actors
