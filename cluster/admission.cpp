// SPDX-License-Identifier: Apache-2.0
#include "cluster/admission.hpp"

#include <algorithm>

namespace stentor {

namespace {

// Enough that the first who are refused do not come back into the same wave.
constexpr uint32_t least_wait_s = 2;
constexpr uint32_t most_wait_s = 30;

} // namespace

admission::answer admission::ask(time_point now) noexcept {
  if (!(rate_ > 0))
    return answer::take;
  if (taken_.take(now, budget_, budget_))
    return answer::take;
  ++refused_;
  return offered_.take(now, budget_, budget_) ? answer::refuse : answer::rest;
}

void admission::on_turn(duration length, time_point now) noexcept {
  had_long_turn_ = had_long_turn_ || length > long_turn;
  if (now < window_end_)
    return;
  // An idle loop turns less often than a window is long: it was well in all of them.
  auto windows = 1 + static_cast<double>(std::min((now - window_end_) / window, int64_t{1000}));
  window_end_ = now + window;
  if (had_long_turn_)
    budget_ = std::max(budget_ * shrink, rate_ * least_share);
  else
    budget_ = std::min(budget_ + rate_ * grow_share * windows, rate_);
  had_long_turn_ = false;
  last_refused_ = refused_;
  refused_ = 0;
}

uint32_t admission::retry_after_s(uint64_t random) const noexcept {
  // As long as the budget would take for those who were refused lately, spread over as long again.
  auto refused = static_cast<double>(std::max(refused_, last_refused_));
  auto wait = budget_ > 0 ? static_cast<uint32_t>(std::min(refused / budget_, double{most_wait_s})) : 0;
  auto base = std::clamp(wait, least_wait_s, most_wait_s);
  return base + static_cast<uint32_t>(random % (base + 2));
}

} // namespace stentor
