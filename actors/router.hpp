// SPDX-License-Identifier: Apache-2.0
// A router: the serial point of binds in its slots, the place that answers where a device is, and the home of
// those who watch an account. It carries no data. An ordinary typed actor on CAF's scheduler; one a loop.
#pragma once

#include "actors/interfaces.hpp"
#include "cluster/limits.hpp"

#include <unordered_map>

namespace stentor::actors {

/// A session that watches, behind its loop's inbox.
struct watcher {
  caf::actor inbox;
  session_ref session;
};

struct router_state {
  /// Declared, so that this is no aggregate: C++20 would let CAF initialise the first member from the actor's
  /// pointer.
  router_state() = default;
  static constexpr const char *name = "router";
  directory_actor directory;
  size_t max_watchers = 0; ///< an account
  std::unordered_map<account_id, std::vector<watcher>> watchers;

  /// False where the account has its fill of watchers.
  bool add(const caf::actor &inbox, const account_id &account, const session_ref &who);
  void remove(const caf::actor &inbox, const account_id &account, const session_ref &who);
  void publish(const std::vector<storage::event> &events);
  void resync();
};

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   directory_actor directory, size_t max_watchers);

} // namespace stentor::actors
