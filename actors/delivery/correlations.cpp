// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/correlations.hpp"

#include <algorithm>

namespace stentor::actors {

uint64_t correlations::open(pending_verdict entry) {
  if (entries_.size() >= most_)
    return 0;
  if (entries_.size() == 0 && drained_ == 0)
    drained_ = tick_of(entry.accepted_at);
  auto deadline = entry.deadline;
  auto number = number_of(entries_.add(std::move(entry)));
  file(number, deadline);
  return number;
}

void correlations::file(uint64_t correlation, time_point deadline) {
  // One tick late rather than early; a deadline beyond the ring falls on its far end, to be filed again from
  // there.
  auto tick = std::clamp(tick_of(deadline) + 1, drained_ + 1, drained_ + ring_size - 1);
  ring_[tick % ring_size].push_back(correlation);
}

pending_verdict *correlations::find(uint64_t correlation) noexcept {
  return entries_.find(key_of(correlation));
}

std::optional<pending_verdict> correlations::close(uint64_t correlation) {
  return entries_.take(key_of(correlation));
}

} // namespace stentor::actors
