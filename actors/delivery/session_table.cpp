// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/session_table.hpp"

#include "actors/session/session.hpp"

namespace stentor::actors {

session_ref session_table::reserve() {
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  slots_[index].generation = ++generations_;
  return {loop_, index, generations_};
}

void session_table::fill(const session_ref &ref, hosted_ptr<session> who) {
  slots_[ref.index].who = who.get();
  slots_[ref.index].keeps_alive = who.strong();
}

void session_table::erase(const session_ref &ref) {
  if (ref.index >= slots_.size() || slots_[ref.index].generation != ref.generation)
    return;
  slots_[ref.index].generation = 0;
  slots_[ref.index].who = nullptr;
  slots_[ref.index].keeps_alive = nullptr;
  free_.push_back(ref.index);
}

} // namespace stentor::actors
