// SPDX-License-Identifier: Apache-2.0
// Looks inside a node and, by its links, into the others at a bounded cost: asks loops, merges the answers of
// one second, and names those that did not answer. An ordinary typed actor; owns nothing but its questions.
#pragma once

#include "actors/api/admin_pages.hpp"
#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/telemetry/metrics.hpp"

#include <map>
#include <memory>

namespace stentor::actors {

/// What the inspector needs of its node.
struct inspector_deps {
  slot_node self;
  std::vector<loop_inbox_actor> inboxes; ///< of the loops, by index
  std::shared_ptr<const actors::metrics> metrics;
  std::shared_ptr<cluster_view> view;
  directory_actor directory;
  bool clustered = false;
  boot_time (*boot_now)() = nullptr;
};

struct inspector_state {
  /// Declared, so that this is no aggregate: C++20 would let CAF initialise the first member from the actor's
  /// pointer.
  inspector_state() = default;
  static constexpr const char *name = "inspector";

  inspector_actor::pointer self = nullptr;
  inspector_deps deps;
  membership_actor membership; ///< null on a single node
  std::map<incarnation, link_news> linked;

  void on_link(const link_news &news);
  /// The busiest `most` actors of the node's loops.
  caf::result<std::vector<actor_info>> busiest(uint32_t most);
  caf::result<admin_page> answer(const admin_question &what);

private:
  /// A loop of this node or of a linked one.
  struct loop_address {
    slot_node node;
    loop_inbox_actor inbox;
  };
  std::vector<loop_address> all_loops() const;
  std::shared_ptr<const slot_map> slots() const;
  node_state own_state() const;
  caf::result<admin_page> show_nodes();
  caf::result<admin_page> show_device(const device_id &device);
  caf::result<admin_page> drain(const admin_question &what);
  template <class T, class Done, class... Ts>
  void ask_loops(Done done, const Ts &...question);
};

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         inspector_deps deps);

/// The first `most` of all rows: most queued first, then most handled, then the oldest actor.
std::vector<actor_info> merge_rows(std::vector<std::vector<actor_info>> deps, size_t most);

} // namespace stentor::actors
