// SPDX-License-Identifier: Apache-2.0
// A loop's flows by device: every message of the loop passes through one lookup here. Bounded: when it is
// full, the direct flow unused for longest is evicted (a later message requests the route again); flows that
// wait for something are never evicted. Owned by a loop, confined to its thread. Does no routing of its own.
#pragma once

#include "cluster/flow.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace stentor {

/// Open addressing over 8-byte slots (hash tag, entry number), entries in chunks that never move. Quiet flows
/// stand in a list by age with a second chance, so that a hit writes one flag and not four list links; busy
/// ones in another list, so that `expire` never visits the rest. Flows that became idle are dropped at once.
class flow_table {
public:
  /// Since the loop started.
  struct counters {
    uint64_t hits = 0;      ///< messages that found a route
    uint64_t misses = 0;    ///< messages that had to ask, or to wait for an answer
    uint64_t evictions = 0; ///< direct flows forgotten for room
    uint64_t full = 0;      ///< messages settled `congested`: every flow was busy
    uint64_t turns = 0;     ///< times a route refused a message
  };

  /// `lim` outlives the table. `seed` is random: devices choose ids, and must not choose their slots.
  explicit flow_table(const limits &lim, uint64_t seed = 0);
  ~flow_table();
  flow_table(const flow_table &) = delete;
  flow_table &operator=(const flow_table &) = delete;

  // -- what happens to flows: see the method of `flow` with the same name ----

  /// To the flow of `e->to`, made where there is none. `congested` where `limits::route_cache` flows are
  /// busy.
  void send(envelope_ptr e, flow_host &host);
  void on_resolved(const device_id &device, uint64_t ticket, const resolution &r, flow_host &host);
  /// To the flow of `e->to`; where that was forgotten `offline`: it certainly was not delivered, and its
  /// place in the order is gone.
  void on_stale(envelope_ptr e, const route &refused_by, flow_host &host);
  void on_marker(const device_id &device, uint64_t marker, flow_host &host);
  /// Visits every flow.
  void on_route_lost(incarnation inc, flow_host &host);
  /// Only the flow of this device.
  void on_route_lost(const device_id &device, incarnation inc, flow_host &host);
  /// Only for a device with a flow: others need no route yet.
  void learn(const device_id &device, const route &at, flow_host &host);
  /// Visits the busy flows only.
  void expire(time_point now, flow_host &host);
  /// The loop ends: settles all that waits and forgets every flow.
  void abandon(flow_host &host);

  // -- what it holds ----

  /// The flow of a device, or null. Valid until the next call of a non-const method.
  const flow *find(std::string_view device) const noexcept;
  size_t size() const noexcept { return size_; }
  /// Flows that wait for a route or a marker.
  size_t busy() const noexcept { return busy_count_; }
  /// Flows that wait for a marker.
  size_t turning() const noexcept { return turning_; }
  const counters &counts() const noexcept { return counts_; }

private:
  struct entry;
  struct chunk;
  /// A circular list with the entry itself as its own list of one.
  struct link {
    link *prev = this;
    link *next = this;
    void remove() noexcept;
    void insert_before(link &at) noexcept;
  };
  struct slot {
    uint32_t tag = 0;
    uint32_t index = 0; ///< entry number + 1, 0 for empty
  };

  uint64_t hash(std::string_view device) const noexcept;
  entry &at(uint32_t index) const noexcept;
  entry *lookup(std::string_view device, uint64_t hash) const noexcept;
  entry *make(const device_id &device, uint64_t hash);
  void drop(entry &x);
  bool evict_one();
  void grow();
  void insert_slot(uint32_t tag, uint32_t index) noexcept;
  void remove_slot(const entry &x) noexcept;
  /// Brings lists and counters up to date after `x` handled an event; drops an idle flow.
  void settle_state(entry &x, flow::mode before);
  template <class Event>
  void apply(entry &x, Event &&event);
  template <class Visit>
  void for_each(Visit &&visit);

  const limits &limits_;
  uint64_t seed_;
  std::vector<slot> slots_; ///< a power of two, at most three quarters full
  std::vector<std::unique_ptr<chunk>> chunks_;
  uint32_t free_ = 0;      ///< first unused entry number + 1, 0 for none
  uint32_t allocated_ = 0; ///< entries in use or in the free list
  size_t size_ = 0;
  size_t busy_count_ = 0;
  size_t turning_ = 0;
  uint64_t made_ = 0;
  link quiet_; ///< next: the oldest
  link busy_;
  counters counts_;
};

} // namespace stentor
