// SPDX-License-Identifier: Apache-2.0
// What a loop knows of the other nodes: which links are up, and a lane to each of their loops. Items of a
// turn leave as one batch a lane at the turn's end; data needs credit, which the other side gives back as it
// handles it. Confined to its loop. Does not connect or watch links: the mesh tells it.
#pragma once

#include "actors/core/types.hpp"
#include "actors/delivery/lane.hpp"
#include "cluster/link_credit.hpp"
#include "cluster/slots.hpp"

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace stentor::actors {

class loop_env;

class links {
public:
  /// `inbox`: of this loop, the sender of its batches; set before the first link.
  explicit links(loop_env &host) : host_{host} {}
  void speak_as(caf::strong_actor_ptr inbox) { inbox_ = std::move(inbox); }

  // -- for the loop's actors ----
  enum class taken : uint8_t { yes, full, no_link };
  /// A message for a session of another node; `item` is used up where it was taken.
  taken put_data(const route &to, items::deliver &item);
  /// Anything else; dropped, and counted, where the link to `to` is not the one it belongs to any more.
  void put(const place &to, lane_item item);
  bool is_up(incarnation inc) const noexcept { return peers_.contains(inc); }
  /// Which router of a linked node has `s`.
  size_t router_index(incarnation inc, slot s) const noexcept;
  /// Null where there is no link.
  caf::strong_actor_ptr router(incarnation inc, size_t index) const;
  /// The inbox of a linked node's loop. Null where there is no link, or no such loop.
  caf::strong_actor_ptr inbox(incarnation inc, uint16_t loop) const;
  /// Every inbox of every linked node.
  std::vector<caf::strong_actor_ptr> inboxes() const;

  // -- for the loop ----
  /// A link began or ended. Ended: the caller settles what was under way there.
  void on_news(const link_news &news);
  /// Hands each item to `take` where the batch belongs to the present link. False where the peer's bytes
  /// make no sense: the link must end.
  bool on_batch(const link_batch &batch, const std::function<void(lane_item &)> &take);
  /// What came by a link before the news of its beginning, oldest first.
  std::vector<link_batch> take_early(incarnation inc, uint32_t link_epoch);
  /// Sends the turn's batches; an answer's credit leaves without data once there is much of it.
  void flush();

  /// Nothing goes to other nodes any more.
  void forget_all() noexcept { peers_.clear(); }
  size_t size() const noexcept { return peers_.size(); }
  /// Data that the other nodes have not handled yet.
  uint64_t pending_bytes() const noexcept;

private:
  struct lane {
    std::string items; ///< of this turn, encoded
    uint32_t data_messages = 0;
    uint64_t data_bytes = 0;
    link_credit credit;
    uint64_t handled_bytes = 0; ///< of the other direction, since the link began
    uint64_t handled_messages = 0;
    uint64_t told_bytes = 0; ///< how much of that the other side knows
    uint64_t told_messages = 0;
    bool has_much_to_tell() const noexcept {
      return handled_bytes - told_bytes >= credit.tell_bytes() ||
             handled_messages - told_messages >= link_credit::tell_messages;
    }
  };
  struct peer {
    link_news at;
    std::vector<lane> lanes; ///< by loop of the other node
    link_share share;        ///< of all of them
  };
  bool is_early(uint32_t known_epoch, const link_batch &batch) const;
  peer *peer_at(const place &to) noexcept;
  void write(lane &to, incarnation peer, lane_item &item);

  loop_env &host_;
  caf::strong_actor_ptr inbox_;
  std::unordered_map<incarnation, peer> peers_;
  bool has_work_ = false;                  ///< something to send at the turn's end
  static constexpr size_t max_early = 256; ///< batches; news comes within a few turns
  static constexpr size_t max_ended = 1024;
  std::vector<link_batch> early_;
  std::map<incarnation, uint32_t> ended_; ///< the last link of each that ended here
};

} // namespace stentor::actors
