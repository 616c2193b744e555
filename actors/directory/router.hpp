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
  loop_inbox_actor inbox;
  session_ref session;
};

struct router_state {
  using pointer = router_actor::stateful_pointer<router_state>;
  explicit router_state(pointer selfptr) : self{selfptr} {}
  static constexpr const char *name = "router";
  pointer self;
  directory_actor directory;
  std::shared_ptr<const cluster_view> view;
  size_t max_watchers = 0; ///< an account
  std::unordered_map<account_id, std::vector<watcher>> watchers;
  provisional_binds provisional;

  bool is_outage() const noexcept { return view->outage.load(std::memory_order_relaxed); }

  // -- questions; as a rule the directory answers the asker itself ----
  using binds = std::vector<storage::bind_request>;
  using bind_answers = std::vector<bind_answer>;
  using lookup_answers = std::vector<lookup_answer>;
  caf::result<bind_answers> bind(const binds &batch);
  caf::result<bool> unbind(const std::vector<storage::unbind_request> &batch);
  caf::result<lookup_answers> lookup(const std::vector<device_id> &devices);
  caf::result<bool> watch(const loop_inbox_actor &inbox, const account_id &account, const session_ref &who);

  // -- watchers ----
  /// False where the account has its fill of watchers.
  bool add(const loop_inbox_actor &inbox, const account_id &account, const session_ref &who);
  void remove(const loop_inbox_actor &inbox, const account_id &account, const session_ref &who);
  void publish(const std::vector<storage::event> &events);
  void resync();

  // -- while the directory is away, and until it has heard of everyone again ----
  bind_answers bind_provisionally(const binds &batch);
  void unbind_provisional(const std::vector<storage::unbind_request> &batch);
  lookup_answers find_provisional(const std::vector<device_id> &devices) const;
  /// The batch with floors above what was bound here.
  binds above_provisional(binds batch) const;
  /// Names holders that the directory does not know yet; forgets those it has overtaken.
  void merge(const binds &asked, bind_answers &answers);
  void merge(const std::vector<device_id> &asked, lookup_answers &answers) const;

private:
  /// Binds above what was bound here, and names the holders that the directory does not know yet.
  caf::result<bind_answers> bind_with_provisional(const binds &batch);
  caf::result<lookup_answers> lookup_with_provisional(const std::vector<device_id> &devices);
};

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   directory_actor directory, std::shared_ptr<const cluster_view> view,
                                   size_t max_watchers);

} // namespace stentor::actors
