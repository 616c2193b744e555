// SPDX-License-Identifier: Apache-2.0
#include "cluster/idempotency.hpp"

#include <algorithm>

namespace stentor {

namespace {

bool reached_the_device(verdict v) noexcept {
  return v == verdict::written || v == verdict::acked || v == verdict::stored;
}

} // namespace

key_answer idempotency::begin(const device_id &from, std::string_view key, uint64_t digest, time_point now,
                              const limits &lim) {
  forget_old(now, lim);
  if (const auto *known = find(from, key)) {
    if (known->digest != digest)
      return {key_state::other_body, std::nullopt, {}};
    if (!known->settled)
      return {key_state::in_progress, std::nullopt, {}};
    return {key_state::duplicate, known->settled, known->by};
  }
  if (size() >= lim.idempotency_keys && !forget_oldest_settled())
    return {key_state::full, std::nullopt, {}};
  if (!entries_)
    entries_ = std::make_unique<list>();
  entries_->push_back({from, std::string{key}, digest, now, std::nullopt, {}});
  return {};
}

void idempotency::settle(const device_id &from, std::string_view key, verdict v, const via &by) {
  auto *known = find(from, key);
  if (!known)
    return;
  if (known->settled ? v == verdict::acked && known->settled == verdict::written : reached_the_device(v)) {
    known->settled = v;
    known->by = by;
  } else if (!known->settled) {
    entries_->erase(entries_->begin() + (known - entries_->data()));
    release_if_empty();
  }
}

std::vector<idempotency::entry> idempotency::take_entries() {
  auto taken = std::move(entries_);
  return taken ? std::move(*taken) : std::vector<entry>{};
}

void idempotency::adopt(std::vector<entry> entries, time_point now, const limits &lim) {
  if (!entries_)
    entries_ = std::make_unique<list>();
  for (auto &x : entries)
    if ((!x.settled || reached_the_device(*x.settled)) && !find(x.from, x.key))
      entries_->push_back(std::move(x));
  std::stable_sort(entries_->begin(), entries_->end(),
                   [](const entry &a, const entry &b) { return a.when < b.when; });
  forget_old(now, lim);
  while (size() > lim.idempotency_keys && forget_oldest_settled())
    continue;
  release_if_empty();
}

idempotency::entry *idempotency::find(const device_id &from, std::string_view key) const noexcept {
  if (entries_)
    for (auto &x : *entries_)
      if (x.key == key && x.from == from)
        return &x;
  return nullptr;
}

void idempotency::forget_old(time_point now, const limits &lim) {
  if (!entries_)
    return;
  // One in progress for longer than any message lives was lost with its session: it must not block its key.
  auto in_progress = std::max(lim.idempotency_window, 2 * lim.max_timeout);
  std::erase_if(*entries_, [&](const entry &x) {
    return now - x.when >= (x.settled ? lim.idempotency_window : in_progress);
  });
  release_if_empty();
}

bool idempotency::forget_oldest_settled() {
  if (!entries_)
    return false;
  auto oldest =
      std::find_if(entries_->begin(), entries_->end(), [](const entry &x) { return x.settled.has_value(); });
  if (oldest == entries_->end())
    return false;
  entries_->erase(oldest);
  release_if_empty();
  return true;
}

void idempotency::release_if_empty() noexcept {
  if (entries_ && entries_->empty())
    entries_.reset();
}

} // namespace stentor
