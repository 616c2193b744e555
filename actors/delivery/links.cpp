// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/links.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/wire.hpp"

namespace stentor::actors {

// -- for the loop's actors ----

links::peer *links::peer_at(const place &to) noexcept {
  auto i = peers_.find(to.inc);
  if (i == peers_.end() || to.loop >= i->second.lanes.size() ||
      (to.link_epoch != 0 && to.link_epoch != i->second.at.link_epoch))
    return nullptr;
  return &i->second;
}

links::taken links::put_data(const route &to, items::deliver &item) {
  auto *there = peer_at({to.inc, 0, to.session.loop});
  if (!there)
    return taken::no_link;
  auto &out = there->lanes[to.session.loop];
  auto cost = item.what->cost();
  if (!there->share.take(out.credit, cost))
    return taken::full;
  out.data_bytes += cost;
  ++out.data_messages;
  lane_item any{std::move(item)};
  write(out, to.inc, any);
  return taken::yes;
}

void links::put(const place &to, lane_item item) {
  auto *there = peer_at(to);
  if (!there) {
    host_.counters().rejected("no_link");
    return;
  }
  write(there->lanes[to.loop], to.inc, item);
}

void links::write(lane &to, incarnation peer, lane_item &item) {
  auto &ctx = host_.context();
  has_work_ = true;
  encode(to.items, item, {ctx.id, ctx.inc, peer, peers_.at(peer).at.link_epoch, host_.now()});
}

size_t links::router_index(incarnation inc, slot s) const noexcept {
  auto i = peers_.find(inc);
  return i == peers_.end() || i->second.at.routers.empty() ? 0 : s % i->second.at.routers.size();
}

caf::strong_actor_ptr links::router(incarnation inc, size_t index) const {
  auto i = peers_.find(inc);
  return i == peers_.end() || index >= i->second.at.routers.size() ? nullptr : i->second.at.routers[index];
}

caf::strong_actor_ptr links::inbox(incarnation inc, uint16_t loop) const {
  auto i = peers_.find(inc);
  return i == peers_.end() || loop >= i->second.at.inboxes.size() ? nullptr : i->second.at.inboxes[loop];
}

std::vector<caf::strong_actor_ptr> links::inboxes() const {
  std::vector<caf::strong_actor_ptr> all;
  for (auto &[inc, peer] : peers_)
    all.insert(all.end(), peer.at.inboxes.begin(), peer.at.inboxes.end());
  return all;
}

// -- for the loop ----

void links::on_news(const link_news &news) {
  if (!news.up) {
    auto i = peers_.find(news.inc);
    if (i != peers_.end() && i->second.at.link_epoch == news.link_epoch)
      peers_.erase(i);
    (void)take_early(news.inc, news.link_epoch);
    if (ended_.size() >= max_ended)
      ended_.clear();
    ended_[news.inc] = std::max(ended_[news.inc], news.link_epoch);
    return;
  }
  peer fresh;
  fresh.at = news;
  fresh.lanes.resize(news.inboxes.size());
  auto loops = host_.context().cfg.loops;
  for (auto &x : fresh.lanes)
    x.credit = link_credit{loops * news.inboxes.size()};
  fresh.share = link_share{loops};
  peers_.insert_or_assign(news.inc, std::move(fresh));
}

bool links::on_batch(const link_batch &batch, const std::function<void(lane_item &)> &take) {
  auto i = peers_.find(batch.from);
  // The other side begins a link first where it was dialled: its batches may overtake the news here.
  if (is_early(i == peers_.end() ? 0 : i->second.at.link_epoch, batch) && early_.size() < max_early) {
    early_.push_back(batch);
    return true;
  }
  if (i == peers_.end() || i->second.at.link_epoch != batch.link_epoch) {
    // Of a link that has ended here: its messages have their verdicts.
    host_.counters().rejected("old_link");
    return true;
  }
  if (batch.from_loop >= i->second.lanes.size())
    return false;
  {
    auto &in = i->second.lanes[batch.from_loop];
    if (!i->second.share.on_handled(in.credit, batch.handled_bytes, batch.handled_messages))
      return false;
    in.handled_bytes += batch.data_bytes;
    in.handled_messages += batch.data_messages;
    if (in.has_much_to_tell())
      has_work_ = true;
  }
  auto &ctx = host_.context();
  // What an item causes may end links or begin them: nothing of the peer is held meanwhile.
  return !decode(batch.items, {ctx.id, ctx.inc, batch.from, batch.link_epoch, host_.now()}, take);
}

bool links::is_early(uint32_t known_epoch, const link_batch &batch) const {
  auto ended = ended_.find(batch.from);
  return batch.link_epoch > std::max(known_epoch, ended == ended_.end() ? 0 : ended->second);
}

std::vector<link_batch> links::take_early(incarnation inc, uint32_t link_epoch) {
  std::vector<link_batch> result;
  for (auto &x : std::exchange(early_, {}))
    if (x.from != inc || x.link_epoch > link_epoch)
      early_.push_back(std::move(x));
    else if (x.link_epoch == link_epoch)
      result.push_back(std::move(x));
  return result;
}

void links::flush() {
  if (!std::exchange(has_work_, false))
    return;
  auto &ctx = host_.context();
  for (auto &[inc, peer] : peers_)
    for (size_t i = 0; i < peer.lanes.size(); ++i) {
      auto &out = peer.lanes[i];
      if (out.items.empty() && !out.has_much_to_tell())
        continue;
      link_batch batch{ctx.inc,
                       host_.index(),
                       peer.at.link_epoch,
                       out.handled_bytes,
                       out.handled_messages,
                       std::exchange(out.data_messages, 0),
                       std::exchange(out.data_bytes, 0),
                       std::exchange(out.items, {})};
      out.told_bytes = out.handled_bytes;
      out.told_messages = out.handled_messages;
      host_.counters().link_batch(batch.items.size(), batch.data_messages);
      peer.at.inboxes[i]->enqueue(inbox_, caf::make_message_id(),
                                  caf::make_message(batch_atom_v, std::move(batch)), &host_);
    }
}

uint64_t links::pending_bytes() const noexcept {
  uint64_t sum = 0;
  for (auto &[inc, peer] : peers_)
    for (auto &out : peer.lanes)
      sum += out.credit.pending_bytes();
  return sum;
}

} // namespace stentor::actors
