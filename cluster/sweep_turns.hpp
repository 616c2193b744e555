// SPDX-License-Identifier: Apache-2.0
// Which node sweeps the records of a dead incarnation: all compute the same order from the same view, the
// first one begins, and if records are left after some time the next one helps. Owned by `membership`.
#pragma once

#include "cluster/cluster_limits.hpp"
#include "cluster/membership_events.hpp"

#include <map>
#include <vector>

namespace stentor {

class sweep_turns {
public:
  /// Those that `self` should sweep now. `others`: the other nodes with a lease, in any order.
  std::vector<slot_node> due(const renewal &r, const slot_node &self, const std::vector<slot_node> &others,
                             const cluster_limits &lim);

private:
  struct progress {
    boot_time since{}; ///< when it was first seen, or begun anew
    bool told = false; ///< since then
  };
  std::map<slot_node, progress> seen_;
};

} // namespace stentor
