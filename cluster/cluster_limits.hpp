// SPDX-License-Identifier: Apache-2.0
// Every number by which nodes deal with each other, with unit and reason: leases, links, notices. What a node
// does to its devices stands in limits.hpp. Immutable once the node runs, and the same on all nodes of a
// cluster: a node with a longer lease than its peers expect would be declared dead while it writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace stentor {

struct cluster_limits {
  // -- the lease ----
  std::chrono::milliseconds lease{5000};      ///< how long one renewal lasts: three may fail, with their timeouts
  std::chrono::milliseconds renew_every{1000}; ///< from one renewal's start to the next
  std::chrono::milliseconds away{2000}; ///< a loop that slept longer may have been frozen: it asks before it writes
};

} // namespace stentor
