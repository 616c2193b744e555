// SPDX-License-Identifier: Apache-2.0
#include "cluster/slots.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stentor {

namespace {

/// Mixes well enough that the shares of nodes with similar names are even.
uint64_t weight(uint64_t node_hash, slot s) noexcept {
  auto x = node_hash ^ (uint64_t{s} + 1) * 0x9E3779B97F4A7C15u;
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

} // namespace

slot slot_of(std::string_view id) noexcept {
  return static_cast<slot>(XXH3_64bits(id.data(), id.size()) % slot_count);
}

slot_map::slot_map(std::vector<slot_node> nodes) : nodes_{std::move(nodes)} {
  if (nodes_.empty())
    return;
  std::vector<uint64_t> hashes;
  for (auto &x : nodes_)
    hashes.push_back(XXH3_64bits_withSeed(x.node.str().data(), x.node.str().size(), x.inc));
  owners_.resize(slot_count);
  for (size_t s = 0; s < slot_count; ++s) {
    size_t best = 0;
    auto best_weight = weight(hashes[0], static_cast<slot>(s));
    for (size_t i = 1; i < nodes_.size(); ++i)
      if (auto w = weight(hashes[i], static_cast<slot>(s)); w > best_weight) {
        best = i;
        best_weight = w;
      }
    owners_[s] = static_cast<uint16_t>(best);
  }
}

std::vector<slot> slot_map::moved_to(const slot_map &next) const {
  std::vector<slot> moved;
  for (size_t i = 0; i < slot_count; ++i) {
    auto s = static_cast<slot>(i);
    auto *before = owner(s);
    auto *after = next.owner(s);
    if (!before != !after || (before && *before != *after))
      moved.push_back(s);
  }
  return moved;
}

} // namespace stentor
