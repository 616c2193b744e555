// SPDX-License-Identifier: Apache-2.0
// What waits for one kind of store call in the directory actor: whole requests with their askers' promises,
// oldest first. Bounded by the items in them. Confined to that actor.
#pragma once

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

namespace stentor::actors {

/// `Item`: of a request's batch. `Reply`: what its asker gets.
template <class Item, class Reply>
class store_queue {
public:
  using item = Item;
  using batch = std::vector<Item>;
  using reply = Reply;
  using time_point = std::chrono::steady_clock::time_point;

  struct waiting {
    batch what;
    caf::typed_response_promise<Reply> asker;
    time_point since; ///< read from the mailbox: it may have lain there for as long as a store call takes
    uint64_t number;  ///< of the request, among those of all kinds
  };

  /// As many binds as one loop lets wait.
  static constexpr size_t most = 32768;

  /// `patience`: after it the asker has given up.
  explicit store_queue(std::chrono::milliseconds patience) : patience_{patience} {}

  bool empty() const noexcept { return waiting_.empty(); }
  /// Items, not requests.
  size_t size() const noexcept { return size_; }
  /// One request of any size fits where nothing waits.
  bool has_room(size_t items) const noexcept { return waiting_.empty() || size_ + items <= most; }

  void add(batch what, caf::typed_response_promise<Reply> asker, time_point now, uint64_t number) {
    size_ += what.size();
    waiting_.push_back({std::move(what), std::move(asker), now, number});
  }
  /// The number of the oldest; past all of them where none waits.
  uint64_t oldest() const noexcept {
    return waiting_.empty() ? std::numeric_limits<uint64_t>::max() : waiting_.front().number;
  }

  /// Those for whose answer nobody waits any more.
  std::vector<waiting> take_late(time_point now) {
    std::vector<waiting> taken;
    while (!waiting_.empty() && now - waiting_.front().since >= patience_)
      taken.push_back(pop());
    return taken;
  }

  /// The oldest, up to `items` items but at least one request; empty where none waits.
  std::vector<waiting> take(size_t items) {
    std::vector<waiting> taken;
    for (size_t sum = 0; !waiting_.empty(); sum += taken.back().what.size()) {
      if (!taken.empty() && sum + waiting_.front().what.size() > items)
        break;
      taken.push_back(pop());
    }
    return taken;
  }

private:
  waiting pop() {
    auto x = std::move(waiting_.front());
    waiting_.pop_front();
    size_ -= x.what.size();
    return x;
  }

  std::chrono::milliseconds patience_;
  std::deque<waiting> waiting_;
  size_t size_ = 0;
};

} // namespace stentor::actors
