// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace stentor::net {

void timer::cancel() noexcept {
  if (!previous_)
    return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

timer_wheel::timer_wheel(time_point start) noexcept : start_{start} {
  for (auto &head : slots_)
    head.previous_ = head.next_ = &head;
}

timer_wheel::~timer_wheel() {
  for (auto &head : slots_) {
    while (head.next_ != &head)
      head.next_->cancel();
    head.previous_ = head.next_ = nullptr;
  }
}

uint64_t timer_wheel::tick_of(time_point t) const noexcept {
  if (t <= start_)
    return 0;
  // Rounded up, in an order that cannot overflow for `time_point::max()`.
  return static_cast<uint64_t>((t - start_ - duration{1}) / tick_length) + 1;
}

void timer_wheel::link(timer &head, timer &t) noexcept {
  t.previous_ = head.previous_;
  t.next_ = &head;
  head.previous_->next_ = &t;
  head.previous_ = &t;
}

void timer_wheel::schedule(timer &t, time_point when) noexcept {
  t.cancel();
  t.tick_ = std::max(tick_of(when), current_ + 1);
  auto index = t.tick_ % slot_count;
  link(slots_[index], t);
  occupied_[index / 64] |= uint64_t{1} << index % 64;
}

void timer_wheel::advance(time_point now) {
  if (now < start_)
    return;
  auto target = static_cast<uint64_t>((now - start_) / tick_length);
  if (target <= current_)
    return;
  // After a long pause (SIGSTOP, a suspended machine) one round visits every slot: no need for more.
  auto tick = target > current_ + slot_count ? target - slot_count : current_;
  // Set first: what a callback arms is due after this call, however late this call is.
  current_ = target;
  while (tick < target) {
    ++tick;
    auto index = tick % slot_count;
    if (!(occupied_[index / 64] & uint64_t{1} << index % 64))
      continue;
    // Due timers move to a list of their own first: a callback may arm timers into this very slot.
    slot due;
    due.previous_ = due.next_ = &due;
    auto &head = slots_[index];
    for (auto *t = head.next_; t != &head;) {
      auto *next = t->next_;
      if (t->tick_ <= target) {
        t->cancel();
        link(due, *t);
      }
      t = next;
    }
    if (head.next_ == &head)
      occupied_[index / 64] &= ~(uint64_t{1} << index % 64);
    while (due.next_ != &due) {
      auto &t = *due.next_;
      t.cancel();
      t.fire_(t);
    }
    due.previous_ = due.next_ = nullptr;
  }
}

std::optional<time_point> timer_wheel::next_due() const noexcept {
  for (uint64_t step = 1; step <= slot_count;) {
    auto index = (current_ + step) % slot_count;
    auto word = occupied_[index / 64] >> index % 64;
    if (word == 0) {
      step += 64 - index % 64;
      continue;
    }
    step += static_cast<uint64_t>(std::countr_zero(word));
    index = (current_ + step) % slot_count;
    if (slots_[index].next_ != &slots_[index])
      return start_ + (current_ + step) * tick_length;
    occupied_[index / 64] &= ~(uint64_t{1} << index % 64);
  }
  return std::nullopt;
}

} // namespace stentor::net
