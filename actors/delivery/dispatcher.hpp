// SPDX-License-Identifier: Apache-2.0
// The path of messages on one loop: senders submit envelopes, flows find the way, items arrive from this and
// other loops, and every message ends here with its one verdict. Confined to its loop; owns no socket and no
// actor.
#pragma once

#include "actors/delivery/correlations.hpp"
#include "actors/delivery/heirs.hpp"
#include "actors/delivery/lane.hpp"
#include "actors/delivery/ports.hpp"
#include "cluster/flow_table.hpp"
#include "net/timer_wheel.hpp"

#include <array>

namespace stentor::actors {

class links;
class loop_env;
class outbox;
class session_table;

/// What the dispatcher works with, all of its loop.
struct dispatcher_deps {
  loop_env &host;
  actors::outbox &outbox;
  session_table &sessions;
  actors::links &links;
  resolver &directory;
};

class dispatcher final : public message_port, public flow_host {
public:
  explicit dispatcher(const dispatcher_deps &deps);
  /// Once each, before the first message: who is told what `asker::api` and `asker::fanout` wait for.
  void report_to(asker who, verdict_sink &sink) { sinks_[static_cast<size_t>(who)] = &sink; }

  // -- message_port ----
  message_id next_id() override;
  uint64_t open(pending_verdict entry) override;
  void submit(envelope_ptr e) override;
  void ask_for_state(const place &at, std::unique_ptr<items::hand_over> question) override;
  void moved(const session_ref &from, const place &at, const session_ref &to) override;
  bool has_link(incarnation inc) const noexcept override;
  void finish(envelope_ptr e, outcome result) override;
  void note(const envelope &e, stage reached) override;
  void send_back(const session_ref &ref, epoch ep, envelope_ptr e) override;
  bool settle_moved_key(const session_ref &ref, const envelope &e, verdict v, epoch ep) override;

  // -- answers ----
  /// The verdict of `message` for the session at `to`, or for the one that its state was handed to. Whether
  /// it is wanted, and the sender's own id of it, is known there.
  void tell_session(const session_ref &to, const message_id &message, owed_verdict what);
  /// The directory's answer to a resolve of this loop.
  void on_resolved(const device_id &device, uint64_t ticket, const resolution &r);
  /// The verdict of a message whose key the session at `x->to` knows, or the one its state was handed to.
  void settle_key(std::unique_ptr<items::settle_key> x);
  /// The link to a node ended: what it had is unknown now, what it would have told is not told any more, and
  /// no flow leads there.
  void on_link_lost(incarnation inc);
  /// The node ends: whoever still waits for a verdict is told that it is unknown, as long as there is a link
  /// to the node where the sender is by now.
  void give_up_all();

  // -- lane items ----
  void handle(items::deliver &x);
  void handle(items::bounce &x);
  void handle(items::marker &x);
  void handle(items::settle &x);
  void handle(std::unique_ptr<items::owed> &x);
  void handle(std::unique_ptr<items::settle_key> &x);
  void handle(std::unique_ptr<items::supersede> &x);
  void handle(std::unique_ptr<items::hand_over> &x);
  void handle(std::unique_ptr<items::supersede_seen> &x);
  void handle(items::handed_over &x);
  void handle(std::unique_ptr<items::route_lost> &x);

  // -- flow_host ----
  void forward(const route &to, envelope_ptr e) override;
  void send_marker(const route &to, const device_id &device, uint64_t marker) override;
  void resolve(const device_id &device, uint64_t ticket) override;
  void settle(envelope_ptr e, verdict v, stage at) override;

  const correlations &open_verdicts() const noexcept { return correlations_; }
  flow_table &flows() noexcept { return flows_; }
  /// Messages taken in here whose verdict is open.
  size_t pending() const noexcept { return correlations_.size(); }

private:
  void forward_to_node(const route &to, envelope_ptr e);
  void tell(pending_verdict entry, outcome result);
  void tell_unknown(pending_verdict entry);
  void on_tick();
  void keep_ticking();

  loop_env &host_;
  outbox &outbox_;
  session_table &sessions_;
  links &links_;
  resolver &directory_;
  std::array<verdict_sink *, asker_count> sinks_{}; ///< by `asker`; null for sessions
  message_id_source ids_;
  correlations correlations_;
  flow_table flows_;
  heirs heirs_;
  net::timer_for<dispatcher, &dispatcher::on_tick> tick_{this};
};

} // namespace stentor::actors
