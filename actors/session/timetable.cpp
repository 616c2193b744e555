// SPDX-License-Identifier: Apache-2.0
#include "actors/session/timetable.hpp"

#include <algorithm>

namespace stentor::actors {

void timetable::start(time_point now, duration lifetime) noexcept {
  started_at_ = now;
  recycle_at_ = now + lifetime;
}

void timetable::set_token_end(time_point end) noexcept {
  token_end_ = end;
  token_warned_ = false;
}

void timetable::warn(goaway why, time_point when) noexcept {
  warned_ = true;
  close_at_ = std::min(close_at_, when);
  why_ = why;
}

duration timetable::token_left(time_point now) const noexcept {
  return std::max(token_end_ - now, duration::zero());
}

timetable::due timetable::at(time_point now, bool live, const limits &lim) const noexcept {
  if (!live)
    return now >= close_at_ ? due::wait_over : due::nothing;
  if (now >= close_at_)
    return due::close;
  if (token_end_ != time_point::max()) {
    if (now >= token_end_ + lim.token_grace)
      return due::token_expired;
    if (!token_warned_ && now >= token_end_ - lim.token_warning)
      return due::token_warning;
  }
  return !warned_ && now >= recycle_at_ ? due::recycle : due::nothing;
}

time_point timetable::next(bool live, const limits &lim) const noexcept {
  if (!live)
    return close_at_;
  auto next = close_at_;
  if (!warned_)
    next = std::min(next, recycle_at_);
  if (token_end_ != time_point::max())
    next = std::min(next, token_warned_ ? token_end_ + lim.token_grace : token_end_ - lim.token_warning);
  return next;
}

} // namespace stentor::actors
