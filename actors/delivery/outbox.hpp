// SPDX-License-Identifier: Apache-2.0
// The items that a loop's turn causes: for the loop itself, for the other loops of the node, for loops of
// other nodes. Handed over at the turn's end, in order per target. Confined to its loop; data needs credit,
// which whoever puts it in has taken.
#pragma once

#include "actors/core/loop_env.hpp"
#include "actors/delivery/lane.hpp"

#include <utility>
#include <vector>

namespace stentor::actors {

class links;

class outbox {
public:
  outbox(loop_env &host, links &others, size_t loops) : host_{host}, links_{others}, outgoing_(loops) {}

  // Templates of the item's own type, so that an item is made where it stays: moving the variant costs some
  // 70 instructions each time.
  /// For a loop of this node, this one included.
  template <class Item>
  void put(uint16_t to, Item &&item) {
    host_.assert_here();
    if (to == host_.index())
      local_.emplace_back(std::forward<Item>(item));
    else
      outgoing_[to].items.emplace_back(std::forward<Item>(item));
  }
  /// For a loop of any node; dropped if no link leads there.
  template <class Item>
  void put(const place &to, Item &&item) {
    if (to.inc != 0 && is_elsewhere(to))
      put_on_link(to, lane_item{std::forward<Item>(item)});
    else if (to.loop < outgoing_.size()) // a peer may name a loop that we do not have
      put(to.loop, std::forward<Item>(item));
  }
  /// A message that took `cost` bytes of credit (none on the own loop).
  void put_data(uint16_t to, items::deliver item, size_t cost) {
    if (to != host_.index()) {
      outgoing_[to].data_bytes += cost;
      ++outgoing_[to].data_messages;
    }
    put(to, std::move(item));
  }

  // -- for the loop ----
  bool has_local() const noexcept { return !local_.empty(); }
  /// Hands every item for this loop to `handle`; what that causes waits for the next call.
  template <class F>
  void take_local(F &&handle) {
    // Two vectors that swap and keep their capacity: a turn allocates nothing for its own items.
    handling_.swap(local_);
    for (auto &item : handling_)
      handle(item);
    handling_.clear();
  }
  /// Hands the turn's items for each other loop to `receive(loop, lane_batch)`.
  template <class F>
  void hand_over(F &&receive) {
    for (uint16_t to = 0; to < outgoing_.size(); ++to) {
      auto &what = outgoing_[to];
      if (what.items.empty())
        continue;
      what.from = host_.index();
      receive(to, std::exchange(what, {}));
    }
  }

private:
  bool is_elsewhere(const place &to) const noexcept;
  void put_on_link(const place &to, lane_item item);

  loop_env &host_;
  links &links_;
  std::vector<lane_item> local_; ///< for this loop, from this loop
  std::vector<lane_item> handling_;
  std::vector<lane_batch> outgoing_; ///< by target loop
};

} // namespace stentor::actors
