// SPDX-License-Identifier: Apache-2.0
// Every number that governs how nodes deal with each other, with unit and reason: leases, links, notices. How
// a node treats its devices is in limits.hpp. Immutable once the node runs, and the same on all nodes of a
// cluster: a node with a longer lease than its peers expect would be declared dead while it writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace stentor {

struct cluster_limits {
  // -- the lease ----
  std::chrono::milliseconds lease{
      5000}; ///< how long one renewal lasts: the next may time out where the one after is quick
  std::chrono::milliseconds renew_every{1000};  ///< from one renewal's start to the next
  std::chrono::milliseconds renewal_late{1000}; ///< no answer yet: ask the peers, but wait on
  std::chrono::milliseconds renewal_timeout{
      2200}; ///< then the outcome is unknown; longer than `renewal_late`, and than
             ///< 2 s: a directory that takes so long an answer fences nobody
  std::chrono::milliseconds away{
      2000}; ///< a loop that slept longer may have been frozen: it asks before it writes

  // -- membership ----
  std::chrono::milliseconds dead_margin{
      500}; ///< past a lease's end before it is declared dead: with the next
            ///< renewal of any survivor that is within 7 s of a kill -9
  std::chrono::milliseconds sweep_after{1000}; ///< past a lease's end: no write under it can land later
  std::chrono::milliseconds settle{10000};     ///< nobody is declared dead this long after a gap or another
                                               ///< run_id: two leases, so that everyone who lives has renewed
  std::chrono::milliseconds predecessor_margin{2000}; ///< wait past our last start's lease: a failover may
                                                      ///< have lost its last renewal, if no other before it
  std::chrono::milliseconds poll_every{500};          ///< ask the peers this often while we cannot renew
  std::chrono::milliseconds poll_timeout{500};        ///< then a peer counts as silent
  std::chrono::milliseconds sweep_takeover{
      5000}; ///< the next node sweeps, too, where records are left after this
};

} // namespace stentor
