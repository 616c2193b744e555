// SPDX-License-Identifier: Apache-2.0
// What all loops and actors of one node share: identity, settings, and the addresses of each other. Built by
// `node` before any loop runs, constant afterwards; outlives them all.
#pragma once

#include "actors/config/config.hpp"
#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/core/lane_credit.hpp"
#include "actors/telemetry/metrics.hpp"
#include "cluster/slots.hpp"
#include "net/token.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace stentor::actors {

/// CLOCK_BOOTTIME: goes on while the machine sleeps.
boot_time read_boot_clock();

struct node_context {
  node_context(caf::actor_system &system, config settings)
      : sys{system}, cfg{std::move(settings)}, id{cfg.node}, metrics{std::make_shared<actors::metrics>(
                                                                 id, cfg.loops)},
        credits(size_t{cfg.loops} * cfg.loops) {}

  caf::actor_system &sys;
  const config cfg;
  const node_id id;
  const std::shared_ptr<actors::metrics>
      metrics; ///< shared: actors of CAF may outlive this context for a moment
  incarnation inc = 0;
  std::shared_ptr<const net::token_verifier> tokens;
  std::vector<caf::strong_actor_ptr> inboxes; ///< of this node's loops
  std::vector<router_actor> routers;
  directory_actor directory;
  inspector_actor inspector;
  std::vector<lane_credit> credits;
  std::atomic<bool> draining{false};
  const std::shared_ptr<cluster_view> view = std::make_shared<cluster_view>();
  const cluster_limits cluster_lim;
  caf::strong_actor_ptr mesh; ///< null on a single node
  boot_time (*boot_now)() = &read_boot_clock;

  const limits &lim() const noexcept { return cfg.lim; }
  /// Until when this node may write, on the directory's clock.
  storage::directory_time lease_until() const noexcept {
    return view->lease_end.load(std::memory_order_relaxed);
  }
  /// A drain asks the devices to leave over this time.
  std::chrono::milliseconds drain_over() const noexcept {
    auto asked = view->drain_over_ms.load();
    return asked < 0 ? lim().drain_over : std::chrono::milliseconds{asked};
  }
  bool is_clustered() const noexcept { return !cfg.cluster.name.empty(); }
  lane_credit &credit(uint16_t from, uint16_t to) noexcept { return credits[size_t{from} * cfg.loops + to]; }
  /// The router of this node that owns the slot of `x` (a device or an account).
  template <class Id>
  const router_actor &router_of(const Id &x) const noexcept {
    return routers[slot_of(x) % routers.size()];
  }
};

} // namespace stentor::actors
