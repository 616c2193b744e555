// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/open_messages.hpp"

namespace stentor::actors {

void open_messages::add(open_message x) {
  inherited_ += x.told_by != 0;
  all_.push_back(std::move(x));
}

std::optional<open_message> open_messages::close(const message_id &id) {
  auto found = std::ranges::find(all_, id, &open_message::id);
  if (found == all_.end())
    return std::nullopt;
  std::optional<open_message> result{std::move(*found)};
  inherited_ -= result->told_by != 0;
  if (auto last = std::prev(all_.end()); found != last)
    *found = std::move(*last);
  all_.pop_back();
  // An idle device keeps no memory for a burst that passed.
  if (all_.empty() && all_.capacity() > 4)
    all_.shrink_to_fit();
  return result;
}

std::vector<open_message> open_messages::adopt(open_messages others) {
  auto room = std::min(most - std::min(most, all_.size()), others.all_.size());
  for (size_t i = 0; i < room; ++i)
    add(std::move(others.all_[i]));
  others.all_.erase(others.all_.begin(), others.all_.begin() + static_cast<std::ptrdiff_t>(room));
  return std::move(others.all_);
}

time_point open_messages::next_due() const noexcept {
  auto due = time_point::max();
  if (inherited_ > 0)
    for (const auto &x : all_)
      if (x.told_by != 0)
        due = std::min(due, x.deadline + patience);
  return due;
}

} // namespace stentor::actors
