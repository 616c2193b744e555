// SPDX-License-Identifier: Apache-2.0
// The actor around `cluster/membership`: has this node's lease renewed and carries out what the pure class
// decides. Detached, so that no other actor keeps it from judging in time. One per incarnation of a clustered
// node; it ends with that incarnation.
#pragma once

#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/core/mesh_types.hpp"
#include "actors/telemetry/metrics.hpp"
#include "cluster/membership.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace stentor::actors {

/// What the actor needs besides itself; outlives it only where shared.
struct membership_deps {
  node_id node;
  incarnation inc = 0;
  std::string address;                       ///< told to the peers
  std::shared_ptr<storage::directory> store; ///< the renewer's
  std::shared_ptr<cluster_view> view;
  std::shared_ptr<actors::metrics> metrics;
  directory_actor directory;
  mesh_actor mesh;
  std::vector<caf::strong_actor_ptr> inboxes;
  std::vector<router_actor> routers;
  auditor_actor auditor; ///< may be null
  cluster_limits lim;
  boot_time (*boot_now)() = nullptr;
};

struct membership_state {
  membership_state() = default;
  static constexpr const char *name = "membership";

  membership_actor::pointer self = nullptr;
  membership_deps deps;
  renewer_actor at_directory;
  boot_time asked_at = boot_time::max(); ///< the renewal under way; max where there is none
  bool late_told = false;                ///< that it takes long
  std::optional<stentor::membership> logic;
  std::vector<member> members; ///< of the last view, this node included
  boot_time fenced_since = boot_time::max();
  boot_time settled_at = boot_time::max(); ///< when nothing is provisional any more
  boot_time doubtful_until{};
  boot_time young_until{}; ///< until the others have surely renewed with the directory we met
  boot_time heeds_until = boot_time::max(); ///< what peers doubt
  std::string last_run;                     ///< of the directory
  bool same_run = true;                     ///< the latest answer is of the run before
  boot_time ready_since = boot_time::max();
  std::set<incarnation> linked;                               ///< peers with a link
  bool joined = false;                                        ///< devices are accepted
  std::vector<std::pair<storage::lease, const char *>> known; ///< leases of the last answer, and their state
  storage::directory_time known_now = 0;                      ///< when the directory gave it
  boot_time known_at{};                                       ///< the same on our clock, at the latest

  std::vector<member_info> infos() const;
  void tick();
  void on_link(const link_news &news);
  void on_answers(uint64_t round, const std::vector<peer_answer> &answers);
  bool drain();
  /// Which process of the directory answered a renewal, and how long that is up.
  void on_run(const std::string &run, std::chrono::milliseconds uptime);

private:
  std::deque<membership_action> todo_; ///< in order
  bool performing_ = false;

  boot_time now() const { return deps.boot_now(); }
  void join_when_linked();
  void doubt_for(boot_time::duration time);
  void perform(stentor::membership::actions todo);
  std::chrono::milliseconds renewal_limit() const;
  void on_renewed(boot_time sent_at, storage::renew_result &answer);
  void on_renewal_failed(boot_time sent_at, const caf::error &why);
  // -- one for each action ----
  void act(const do_renew &x);
  void act(const do_publish &x);
  void act(const do_revoke &x);
  void act(const on_fenced &x);
  void act(const on_view &x);
  void act(const on_dead &x);
  void act(const do_declare_dead &x);
  void act(const do_sweep &x);
  void act(const do_ask &x);
  void act(const on_outage &x);
  void act(const do_restore &x);
  void act(const do_rejoin &x);
  void act(const on_ready &x);
  template <class... Ts>
  void tell_loops(const Ts &...xs);
};

membership_actor::behavior_type membership(membership_actor::stateful_pointer<membership_state> self,
                                           membership_deps deps);

} // namespace stentor::actors
