// SPDX-License-Identifier: Apache-2.0
#include "cluster/sweep_turns.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stentor {

namespace {

uint64_t weight(const slot_node &sweeper, const slot_node &swept) noexcept {
  auto seed = XXH3_64bits_withSeed(swept.node.str().data(), swept.node.str().size(), swept.inc);
  return XXH3_64bits_withSeed(sweeper.node.str().data(), sweeper.node.str().size(), seed ^ sweeper.inc);
}

} // namespace

std::vector<slot_node> sweep_turns::due(const renewal &r, const slot_node &self,
                                        const std::vector<slot_node> &others, const cluster_limits &lim) {
  std::vector<slot_node> result;
  std::map<slot_node, progress> now_seen;
  for (const auto &x : r.unswept) {
    auto known = seen_.find(x.who);
    auto p = known == seen_.end() ? progress{r.answered_at} : known->second;
    int rank = 0; // how many come before us
    for (const auto &other : others)
      rank += weight(other, x.who) > weight(self, x.who);
    auto length = r.answered_at - p.since;
    bool our_turn = length >= rank * lim.sweep_takeover;
    bool again = length >= (rank + 1) * lim.sweep_takeover;
    if (r.now >= x.until + std::chrono::microseconds{lim.sweep_after}.count() && our_turn &&
        (!p.told || again)) {
      result.push_back(x.who);
      if (again) // our own sweep got stuck: count anew, or every renewal would start another
        p.since = r.answered_at - rank * lim.sweep_takeover;
      p.told = true;
    }
    now_seen.emplace(x.who, p);
  }
  seen_ = std::move(now_seen);
  return result;
}

} // namespace stentor
