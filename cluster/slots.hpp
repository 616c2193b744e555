// SPDX-License-Identifier: Apache-2.0
// 4,096 slots of device and account ids, and which node owns each: a rendezvous hash over the live nodes that
// every node computes for itself from the same view. Pure, any thread.
#pragma once

#include "cluster/ids.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace stentor {

inline constexpr size_t slot_count = 4096;
using slot = uint16_t;

slot slot_of(std::string_view id) noexcept;
inline slot slot_of(const device_id &id) noexcept {
  return slot_of(std::string_view{id.str()});
}
inline slot slot_of(const account_id &id) noexcept {
  return slot_of(std::string_view{id.str()});
}

/// One incarnation of one node, as a view lists it.
struct slot_node {
  node_id node;
  incarnation inc = 0;
  friend bool operator==(const slot_node &, const slot_node &) = default;
  friend auto operator<=>(const slot_node &, const slot_node &) = default;
};

/// The owner of every slot in one view.
class slot_map {
public:
  slot_map() = default;
  /// `nodes` in any order; empty: no slot has an owner.
  explicit slot_map(std::vector<slot_node> nodes);

  const std::vector<slot_node> &nodes() const noexcept { return nodes_; }
  /// Null where no node lives.
  const slot_node *owner(slot s) const noexcept { return nodes_.empty() ? nullptr : &nodes_[owners_[s]]; }
  /// Slots whose owner differs between the two, ascending.
  std::vector<slot> moved_to(const slot_map &next) const;

private:
  std::vector<slot_node> nodes_;
  std::vector<uint16_t> owners_; ///< by slot, index into `nodes_`
};

} // namespace stentor
