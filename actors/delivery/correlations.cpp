// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/correlations.hpp"

#include <algorithm>

namespace stentor::actors {

uint64_t correlations::open(pending_verdict entry) {
  if (open_ >= most_)
    return 0;
  if (open_ == 0 && drained_ == 0)
    drained_ = tick_of(entry.accepted_at);
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  auto &place = slots_[index];
  // Generation 0 is skipped, so that no number is 0.
  if (++place.generation == 0)
    place.generation = 1;
  place.used = true;
  place.entry = std::move(entry);
  ++open_;
  auto result = number(index, place.generation);
  file(result, place.entry.deadline);
  return result;
}

void correlations::file(uint64_t correlation, time_point deadline) {
  // One tick late rather than early; a deadline beyond the ring falls on its far end, to be filed again from
  // there.
  auto tick = std::clamp(tick_of(deadline) + 1, drained_ + 1, drained_ + ring_size - 1);
  ring_[tick % ring_size].push_back(correlation);
}

pending_verdict *correlations::find(uint64_t correlation) noexcept {
  auto index = static_cast<uint32_t>(correlation);
  if (index >= slots_.size() || !slots_[index].used || slots_[index].generation != correlation >> 32)
    return nullptr;
  return &slots_[index].entry;
}

std::optional<pending_verdict> correlations::close(uint64_t correlation) {
  auto *entry = find(correlation);
  if (!entry)
    return std::nullopt;
  std::optional<pending_verdict> result{std::move(*entry)};
  auto index = static_cast<uint32_t>(correlation);
  slots_[index].used = false;
  slots_[index].entry = {};
  free_.push_back(index);
  --open_;
  return result;
}

} // namespace stentor::actors
