// SPDX-License-Identifier: Apache-2.0
// One event loop of a node: one thread, its sockets, its hosted actors, its lanes to the other loops. A turn
// is I/O, then actor messages, then what messages caused, then one flush of every corked socket, then the
// hand-over to other loops. Tests drive `run_turn` by hand, without a thread. Everything but `enqueue`,
// `receive` and the requests belongs to the loop's thread, asserted in debug builds. Its parts are in
// loop_parts.hpp; they know it as `loop_env` or by a port.
#pragma once

#include "actors/core/hosted_actor.hpp"
#include "actors/core/loop_mailbox.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/lane.hpp"
#include "cluster/admission.hpp"
#include "cluster/lease.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace stentor::actors {

class loop_inbox;
struct loop_parts;

class loop final : public loop_env, private net::poll_guard, private admission_port {
public:
  loop(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io);
  ~loop() override;
  /// The loops of the node by index, this one included; before any of them runs.
  void meet(std::vector<loop *> all) { all_ = std::move(all); }

  // -- the turn ----
  void run_turn(std::chrono::milliseconds most);
  /// Turns until `request_stop`.
  void run();
  /// Any thread.
  void request_stop();
  /// Any thread. The node is not a member of its cluster any longer: devices are only told to go elsewhere,
  /// and no verdict is sent. The loop continues without a lease until `request_stop`.
  void request_abandon();
  /// The same, on the loop.
  void abandon_now();
  /// Ends every actor; the last thing a loop does.
  void stop_everything();

  // -- from any thread ----
  void enqueue(caf::strong_actor_ptr to, caf::mailbox_element_ptr what) override;
  void receive(lane_batch what);
  /// A hosted actor woke a scheduled one: that one runs on CAF's scheduler, never here.
  void exec_later(caf::resumable *what) override;

  // -- on the loop ----
  loop_parts &parts() noexcept {
    assert_here();
    return *parts_;
  }
  loop_inbox &inbox() noexcept;
  /// A batch of another node for this loop's sessions; false if it makes no sense.
  bool take_batch(const link_batch &batch);
  /// The link to a node is no good: it must end and be made again.
  void sever(incarnation inc, uint32_t link_epoch, const char *why);
  /// The node is a member of its cluster: devices may come.
  void join();
  /// Stops taking devices and asks the ones here to leave, spread over the grace.
  void drain();
  /// Ends the sessions that are left: whoever waits for a device's ack is told that none will come.
  void end_sessions();
  /// Every message taken in here that has no verdict gets one now, and what this causes is on its way when
  /// this returns.
  void finish_messages();

private:
  // -- the lease ----
  bool may_go_on() override;
  bool may_write() const noexcept;

  // -- admission_port ----
  bool admit() override;
  uint32_t retry_after_s() override;

  struct actor_message {
    caf::strong_actor_ptr to;
    caf::mailbox_element_ptr what;
  };
  void take_arrivals();
  void handle_messages();
  static hosted_actor &receiver_of(actor_message &x) noexcept {
    return *static_cast<hosted_actor *>(x.to->get());
  }
  void handle(lane_item &item);
  void handle_batch(lane_batch &what);
  void handle_local();
  void settle_turn();
  void hand_over();
  void publish_counters(std::chrono::steady_clock::duration length);
  /// A snapshot: asking one to leave may end it and its partner.
  std::vector<caf::strong_actor_ptr> everyone();

  hosted_list actors_;
  admission admission_;
  std::vector<loop *> all_;
  std::unique_ptr<loop_parts> parts_;

  std::vector<actor_message> own_messages_; ///< from this thread: no lock
  std::vector<actor_message> own_taken_;
  bool more_ = false; ///< the turn ended with work left

  using mailbox = loop_mailbox<actor_message, lane_batch>;
  mailbox arrived_;
  mailbox::batch taken_;             ///< empty between turns; keeps its capacity
  std::optional<lease_guard> lease_; ///< none on a single node
  bool abandoned_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<bool> abandon_{false};
};

} // namespace stentor::actors
