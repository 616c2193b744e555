// SPDX-License-Identifier: Apache-2.0
// The directory actor's calls that are no batch of anybody's requests: sweeps, notices, walks, counts.
#include "actors/directory/directory_actor.hpp"

#include <algorithm>
#include <limits>

namespace stentor::actors {

namespace {

// Small enough that a bind does not wait behind a node's death.
constexpr size_t sweep_batch = 256;

} // namespace

bool directory_state::add_chore(std::function<void()> what) {
  if (chores.size() >= most_chores) {
    metrics->node().directory_refused.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  chores.push_back({std::move(what), ++last_number_});
  want_work();
  return true;
}

bool directory_state::do_chore() {
  if (chores.empty())
    return false;
  auto next = std::move(chores.front());
  chores.pop_front();
  next.what();
  return true;
}

void directory_state::sweep(const node_id &node, incarnation inc) {
  // Where it is not done, membership asks again while something stands.
  add_chore([this, node, inc] {
    auto removed = store->sweep(node, inc, sweep_batch);
    count_batch(1, removed ? 0 : 1);
    if (!removed)
      return;
    metrics->node().swept.fetch_add(removed->removed, std::memory_order_relaxed);
    if (removed->more)
      sweep(node, inc);
  });
}

caf::result<bool> directory_state::notify(const node_id &node, incarnation inc,
                                          const std::vector<storage::notice> &notices) {
  auto promise = self->make_response_promise<bool>();
  auto chore = [this, promise, node, inc, notices]() mutable {
    auto left = store->notify(node, inc, notices);
    auto is_kept = left && *left;
    count_batch(1, is_kept ? 0 : 1);
    promise.deliver(is_kept);
  };
  if (!add_chore(std::move(chore)))
    promise.deliver(false);
  return promise;
}

caf::result<std::vector<storage::record>> directory_state::walk(incarnation inc, slot first, size_t count) {
  auto promise = self->make_response_promise<std::vector<storage::record>>();
  auto chore = [this, promise, inc, first, count, asked = now()]() mutable {
    if (now() - asked >= patience) {
      promise.deliver(make_error(errc::timed_out));
      return;
    }
    auto found = store->records_in(first, count);
    count_batch(1, found ? 0 : 1);
    if (!found) {
      promise.deliver(found.error());
      return;
    }
    std::erase_if(*found, [inc](auto &x) { return x.at.inc != inc; });
    promise.deliver(std::move(*found));
  };
  if (!add_chore(std::move(chore)))
    promise.deliver(make_error(errc::unavailable));
  return promise;
}

caf::result<uint64_t> directory_state::count() {
  auto promise = self->make_response_promise<uint64_t>();
  counts_.push_back({promise, ++last_number_});
  want_work();
  return promise;
}

void directory_state::answer_counts() {
  auto oldest =
      std::min({unbinds.oldest(), binds.oldest(), restores.oldest(), lookups.oldest(), lists.oldest(),
                chores.empty() ? std::numeric_limits<uint64_t>::max() : chores.front().number});
  if (counts_.empty() || counts_.front().number > oldest)
    return;
  auto devices = store->size();
  for (; !counts_.empty() && counts_.front().number < oldest; counts_.pop_front())
    counts_.front().asker.deliver(devices ? uint64_t{*devices} : uint64_t{0});
}

} // namespace stentor::actors
