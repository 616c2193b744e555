// SPDX-License-Identifier: Apache-2.0
// A router: the serial point of binds in its slots, the place that answers where a device is, and the home of
// the sessions of this node that watch an account. It carries no data. While the directory is away it binds
// on its own. An ordinary typed actor on CAF's scheduler; one a loop, asked by loops of every node.
#pragma once

#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/directory/provisional_binds.hpp"
#include "cluster/limits.hpp"

#include <memory>
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
  std::shared_ptr<const cluster_view> view;
  size_t max_watchers = 0; ///< an account
  std::unordered_map<account_id, std::vector<watcher>> watchers;
  provisional_binds provisional;

  bool is_outage() const noexcept { return view->outage.load(std::memory_order_relaxed); }

  // -- watchers ----
  /// False where the account has its fill of watchers.
  bool add(const caf::actor &inbox, const account_id &account, const session_ref &who);
  void remove(const caf::actor &inbox, const account_id &account, const session_ref &who);
  void publish(const std::vector<storage::event> &events);
  void resync();

  // -- while the directory is away, and until it has heard of everyone again ----
  std::vector<bind_answer> bind_provisionally(const std::vector<storage::bind_request> &batch);
  void unbind_provisional(const std::vector<storage::unbind_request> &batch);
  std::vector<lookup_answer> find_provisional(const std::vector<device_id> &devices) const;
  /// The batch with floors above what was bound here.
  std::vector<storage::bind_request> above_provisional(std::vector<storage::bind_request> batch) const;
  /// Names holders that the directory does not know yet; forgets those it has overtaken.
  void merge(const std::vector<storage::bind_request> &asked, std::vector<bind_answer> &answers);
  void merge(const std::vector<device_id> &asked, std::vector<lookup_answer> &answers) const;
};

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   directory_actor directory, std::shared_ptr<const cluster_view> view,
                                   size_t max_watchers);

} // namespace stentor::actors
