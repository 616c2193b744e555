// SPDX-License-Identifier: Apache-2.0
// What one node decides about itself and the others: whether it may write, which nodes are in the cluster,
// which are dead, which node sweeps, whether the directory is unreachable for all or only for this node.
// Events in, actions out; the actor around it owns the connection, the timer and the links. One object per
// incarnation. Pure: `now` is a reading of CLOCK_BOOTTIME.
#pragma once

#include "cluster/cluster_limits.hpp"
#include "cluster/membership_events.hpp"
#include "cluster/peer_poll.hpp"
#include "cluster/peer_view.hpp"
#include "cluster/sweep_turns.hpp"

#include <optional>
#include <string>
#include <vector>

namespace stentor {

class membership {
public:
  /// In the order to be carried out.
  using actions = std::vector<membership_action>;

  membership(member self, const cluster_limits &lim) : self_{std::move(self)}, limits_{lim} {}

  // -- events; `now` never goes back. After `do_rejoin` all of them answer nothing ----
  /// At least each 100 ms.
  actions tick(boot_time now);
  actions on_renewed(const renewal &r);
  actions on_renewal_failed(renewal_failure why, boot_time now);
  actions on_link(const slot_node &peer, link_health h, boot_time now);
  /// What `peer` said to `do_ask`; told late, twice or never, as links go.
  actions on_peer_answer(uint64_t round, const slot_node &peer, bool can, boot_time now);
  /// Leave the slot view and say so at once. Cannot be taken back.
  actions drain(boot_time now);

  /// Our answer to a peer that asks; nothing where we do not know: say nothing then.
  std::optional<bool> can_renew(boot_time now) const;

  const member &self() const noexcept { return self_; }
  bool is_fenced() const noexcept { return fenced_; }
  bool is_outage() const noexcept { return outage_; }
  /// The latest renewal failed: the directory's batches will, too. Sooner than `on_outage`.
  bool is_failing() const noexcept { return failing_; }

private:
  void say(membership_action a) { out_.push_back(std::move(a)); }
  actions done();
  void take_lease(const renewal &r);
  void publish(boot_time until, boot_time asked_at);
  void take_view(const renewal &r);
  void bury(const renewal &r);
  void poll(boot_time now);
  void fence(boot_time now);
  void tell_view();
  void tell_ready();

  member self_;
  cluster_limits limits_;
  actions out_;

  boot_time next_renewal_{};
  bool in_flight_ = false;
  std::optional<std::pair<boot_time, bool>> last_attempt_; ///< when it ended, and whether we were answered

  boot_time lease_until_{};     ///< as the directory granted it; the clock's epoch before the first
  boot_time published_until_{}; ///< further than that in an outage
  boot_time not_before_{};      ///< granted, but not to be used yet
  directory_micros directory_until_ = 0;
  std::string run_id_;
  boot_time unsettled_until_{}; ///< declares nobody dead before
  boot_time keep_until_{};      ///< keeps peers by their links before

  bool fenced_ = true;
  bool failing_ = false;
  bool has_lost_one_ = false; ///< a renewal, since the last that was answered
  bool outage_ = false;
  bool held_by_other_ = false;
  bool restore_owed_ = false;
  bool over_ = false;

  peer_view view_;
  peer_poll poll_;
  boot_time next_poll_{};
  sweep_turns sweeps_;
  std::optional<on_view> told_view_;
  on_ready told_ready_{false, ""};
};

} // namespace stentor
