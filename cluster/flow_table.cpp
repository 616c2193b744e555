// SPDX-License-Identifier: Apache-2.0
#include "cluster/flow_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <optional>

namespace stentor {

namespace {

constexpr uint32_t chunk_size = 64;
constexpr size_t first_slots = 64;

/// A flow's numbers start here apart from those of an earlier flow to the same device.
constexpr int numbers_shift = 24;

/// Flows given a second chance for one eviction: past it the oldest goes, used or not, so that no single
/// message pays for a whole round of the list.
constexpr int max_second_chances = 16;

} // namespace

struct flow_table::entry : link {
  std::optional<flow> value; ///< none: in the free list
  uint32_t tag = 0;
  uint32_t index = 0; ///< own number + 1
  uint32_t next_free = 0;
  bool used = false; ///< since it was last passed over for eviction
};

struct flow_table::chunk {
  entry entries[chunk_size];
};

// -- list ----

void flow_table::link::remove() noexcept {
  prev->next = next;
  next->prev = prev;
  prev = next = this;
}

void flow_table::link::insert_before(link &at) noexcept {
  prev = at.prev;
  next = &at;
  prev->next = this;
  at.prev = this;
}

// -- life ----

flow_table::flow_table(const limits &lim, uint64_t seed) : limits_{lim}, seed_{seed}, slots_(first_slots) {
  // nop
}

flow_table::~flow_table() = default;

// -- events ----

template <class Event>
void flow_table::apply(entry &x, Event &&event) {
  auto before = x.value->state();
  event(*x.value);
  settle_state(x, before);
}

void flow_table::send(envelope_ptr e, flow_host &host) {
  auto h = hash(e->to.str());
  auto *x = lookup(e->to.str(), h);
  if (x) {
    x->used = true;
    if (x->value->state() == flow::mode::direct) {
      ++counts_.hits;
      x->value->send(std::move(e), limits_, host); // changes no state: nothing to bring up to date
      return;
    }
  } else {
    x = make(e->to, h);
    if (!x) {
      ++counts_.full;
      host.settle(std::move(e), verdict::congested, stage::accepted);
      return;
    }
  }
  ++counts_.misses;
  apply(*x, [&](flow &f) { f.send(std::move(e), limits_, host); });
}

void flow_table::on_resolved(const device_id &device, uint64_t ticket, const resolution &r, flow_host &host) {
  if (auto *x = lookup(device.str(), hash(device.str())))
    apply(*x, [&](flow &f) { f.on_resolved(ticket, r, host); });
}

void flow_table::on_stale(envelope_ptr e, const route &refused_by, flow_host &host) {
  if (auto *x = lookup(e->to.str(), hash(e->to.str())))
    apply(*x, [&](flow &f) { f.on_stale(std::move(e), refused_by, host); });
  else
    host.settle(std::move(e), verdict::offline, stage::sent);
}

void flow_table::on_marker(const device_id &device, uint64_t marker, flow_host &host) {
  if (auto *x = lookup(device.str(), hash(device.str())))
    apply(*x, [&](flow &f) { f.on_marker(marker, host); });
}

void flow_table::learn(const device_id &device, const route &at, flow_host &host) {
  if (auto *x = lookup(device.str(), hash(device.str())))
    apply(*x, [&](flow &f) { f.learn(at, host); });
}

void flow_table::on_route_lost(incarnation inc, flow_host &host) {
  for_each([&](entry &x) { apply(x, [&](flow &f) { f.on_route_lost(inc, host); }); });
}

void flow_table::on_route_lost(const device_id &device, incarnation inc, flow_host &host) {
  if (auto *x = lookup(device.str(), hash(device.str())))
    apply(*x, [&](flow &f) { f.on_route_lost(inc, host); });
}

void flow_table::abandon(flow_host &host) {
  for_each([&](entry &x) { apply(x, [&](flow &f) { f.abandon(host); }); });
}

void flow_table::expire(time_point now, flow_host &host) {
  for (auto *l = busy_.next; l != &busy_;) {
    auto &x = static_cast<entry &>(*l);
    l = l->next; // `x` may leave the list
    apply(x, [&](flow &f) { f.expire(now, host); });
  }
}

template <class Visit>
void flow_table::for_each(Visit &&visit) {
  for (uint32_t i = 1; i <= allocated_; ++i)
    if (auto &x = at(i); x.value)
      visit(x);
}

void flow_table::settle_state(entry &x, flow::mode before) {
  auto after = x.value->state();
  if (after == before && after != flow::mode::idle)
    return;
  auto is_busy = [](flow::mode m) { return m == flow::mode::unresolved || m == flow::mode::turning; };
  if (before == flow::mode::turning)
    --turning_;
  if (after == flow::mode::turning) {
    ++turning_;
    ++counts_.turns;
  }
  if (is_busy(before) != is_busy(after)) {
    busy_count_ += is_busy(after) ? 1 : -1;
    x.remove();
    x.insert_before(is_busy(after) ? busy_ : quiet_);
  }
  if (after == flow::mode::idle)
    drop(x);
}

// -- entries ----

uint64_t flow_table::hash(std::string_view device) const noexcept {
  return XXH3_64bits_withSeed(device.data(), device.size(), seed_);
}

flow_table::entry &flow_table::at(uint32_t index) const noexcept {
  return chunks_[(index - 1) / chunk_size]->entries[(index - 1) % chunk_size];
}

const flow *flow_table::find(std::string_view device) const noexcept {
  auto *x = lookup(device, hash(device));
  return x ? &*x->value : nullptr;
}

flow_table::entry *flow_table::lookup(std::string_view device, uint64_t hash) const noexcept {
  auto tag = static_cast<uint32_t>(hash);
  auto mask = slots_.size() - 1;
  for (size_t i = tag & mask; slots_[i].index != 0; i = (i + 1) & mask) {
    if (slots_[i].tag != tag)
      continue;
    auto &x = at(slots_[i].index);
    if (x.value->device().str() == device)
      return &x;
  }
  return nullptr;
}

flow_table::entry *flow_table::make(const device_id &device, uint64_t hash) {
  if (size_ >= limits_.route_cache && !evict_one())
    return nullptr;
  if ((size_ + 1) * 4 > slots_.size() * 3)
    grow();
  auto index = free_;
  if (index == 0) {
    if (allocated_ % chunk_size == 0)
      chunks_.push_back(std::make_unique<chunk>());
    index = ++allocated_;
    at(index).index = index;
  } else {
    free_ = at(index).next_free;
  }
  auto &x = at(index);
  x.value.emplace(device, ++made_ << numbers_shift);
  x.tag = static_cast<uint32_t>(hash);
  x.used = false;
  x.insert_before(quiet_);
  insert_slot(x.tag, index);
  ++size_;
  return &x;
}

void flow_table::drop(entry &x) {
  remove_slot(x);
  x.remove();
  x.value.reset();
  x.next_free = free_;
  free_ = x.index;
  --size_;
}

bool flow_table::evict_one() {
  for (int chances = 0; quiet_.next != &quiet_; ++chances) {
    auto &oldest = static_cast<entry &>(*quiet_.next);
    if (oldest.used && chances < max_second_chances) {
      oldest.used = false;
      oldest.remove();
      oldest.insert_before(quiet_);
      continue;
    }
    ++counts_.evictions;
    drop(oldest);
    return true;
  }
  return false;
}

// -- slots ----

void flow_table::grow() {
  std::vector<slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (auto &s : old)
    if (s.index != 0)
      insert_slot(s.tag, s.index);
}

void flow_table::insert_slot(uint32_t tag, uint32_t index) noexcept {
  auto mask = slots_.size() - 1;
  size_t i = tag & mask;
  while (slots_[i].index != 0)
    i = (i + 1) & mask;
  slots_[i] = {tag, index};
}

void flow_table::remove_slot(const entry &x) noexcept {
  auto mask = slots_.size() - 1;
  size_t hole = x.tag & mask;
  while (slots_[hole].index != x.index)
    hole = (hole + 1) & mask;
  // Whoever stands behind the hole and wants a place at or before it moves up: no tombstones, so lookups
  // stay as short as on the first day.
  for (size_t i = (hole + 1) & mask; slots_[i].index != 0; i = (i + 1) & mask) {
    auto wanted = slots_[i].tag & mask;
    if (((i - wanted) & mask) < ((i - hole) & mask))
      continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {};
}

} // namespace stentor
