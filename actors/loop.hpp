// SPDX-License-Identifier: Apache-2.0
// One event loop of a node: one thread, its sockets, its hosted actors, its lanes to the other loops. A turn
// is I/O, then actor messages, then what messages caused, then one flush of every corked socket, then the
// hand-over to other loops. Tests drive `run_turn` by hand, without a thread. Everything but `enqueue`,
// `receive` and `request_stop` belongs to the loop's thread, asserted in debug builds.
#pragma once

#include "actors/acceptors.hpp"
#include "actors/core/loop_mailbox.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/directory_client.hpp"
#include "actors/directory/restores.hpp"
#include "actors/directory/takeovers.hpp"
#include "actors/directory/unsettled_records.hpp"
#include "actors/drainer.hpp"
#include "actors/loop_inbox.hpp"
#include "actors/telemetry/metrics.hpp"
#include "cluster/admission.hpp"
#include "net/codec/protocol.hpp"
#include "net/event_loop.hpp"

#include <atomic>
#include <cassert>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace stentor::actors {

class api_actor;

class loop final : public caf::execution_unit, private net::poll_guard {
public:
  loop(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io);
  ~loop() override;

  // -- the turn ----
  void run_turn(std::chrono::milliseconds most);
  /// Turns until `request_stop`.
  void run();
  /// Any thread.
  void request_stop();
  /// Any thread. The node is no member of its cluster any more: nothing is written to a device but that it
  /// shall go elsewhere, and no verdict is said. Then the loop goes on until `request_stop`, without lease.
  void request_abandon();
  /// The same, on the loop.
  void abandon_now();
  /// Ends every actor; the last thing a loop does.
  void stop_everything();

  // -- from any thread ----
  void enqueue(caf::strong_actor_ptr to, caf::mailbox_element_ptr what);
  void receive(parcel what);
  /// A hosted actor woke a scheduled one: that one runs on CAF's scheduler, never here.
  void exec_later(caf::resumable *what) override;

  // -- for the loop's actors ----
  /// Queues an item for a loop of this node, this one included; handled or handed over later in the turn.
  void put(uint16_t to, lane_item item);
  /// The same for a loop of any node; dropped where no link leads there.
  void put(const place &to, lane_item item);
  /// A batch of another node for this loop's sessions; false where it makes no sense.
  bool take_batch(const link_batch &batch);
  /// The same for a message that took `cost` bytes of credit (none on the own loop).
  void put_data(uint16_t to, items::deliver item, size_t cost);
  uint16_t index() const noexcept { return index_; }
  node_context &context() noexcept { return ctx_; }
  const limits &lim() const noexcept { return ctx_.lim(); }
  net::event_loop &io() noexcept {
    assert_here();
    return *io_;
  }
  net::codec &codec() noexcept { return codec_; }
  dispatcher &messages() noexcept {
    assert_here();
    return dispatcher_;
  }
  loop_inbox &inbox() noexcept { return *inbox_; }
  requests &asks() noexcept { return asks_; }
  directory_client &directory() noexcept { return directory_; }
  unsettled_records &unsettled() noexcept { return unsettled_; }
  actors::api_actor &api() noexcept;
  actors::fanouts &fanouts() noexcept { return fanouts_; }
  session_table &sessions() noexcept {
    assert_here();
    return sessions_;
  }
  actors::links &links() noexcept { return links_; }
  actors::takeovers &takeovers() noexcept { return takeovers_; }
  actors::restores &restores() noexcept { return restores_; }
  /// The link to a node is no good: it must end and begin anew.
  void sever(incarnation inc, uint32_t link_epoch, const char *why);
  actors::acceptors &acceptors() noexcept { return acceptors_; }
  /// Whether one more connection fits this loop's share of the node's accept rate; the acceptor may rest.
  bool admit();
  const admission &admission_now() const noexcept { return admission_; }
  /// The node is a member of its cluster: devices may come.
  void join();
  /// Stops taking devices and asks the ones here to leave, spread over the grace.
  void drain();
  /// Ends the sessions that are left: whoever waits for a device's ack is told that none will come.
  void end_sessions();
  /// Every message taken in here that has no verdict gets one now, and what this causes is on its way when
  /// this returns.
  void finish_messages();
  hosted_list &actors() noexcept { return actors_; }
  template <class F>
  void for_each_actor(F &&visit) const {
    actors_.for_each(visit);
  }
  loop_counters &counters() noexcept { return counters_; }
  std::mt19937_64 &random() noexcept { return random_; }
  /// A buffer to encode frames in, empty; one user at a time.
  std::string &scratch() noexcept {
    scratch_.clear();
    return scratch_;
  }
  time_point now() const noexcept { return io_->now(); }
  int64_t now_ms() const noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()).count();
  }
  /// The device's wall clock, read once a turn.
  wall_ms wall_now() const noexcept { return wall_now_; }
  /// Asserts, in debug builds, that the caller runs on this loop.
  void assert_here() const noexcept {
    [[maybe_unused]] auto owner = thread_.load(std::memory_order_relaxed);
    assert(owner == std::thread::id{} || owner == std::this_thread::get_id());
  }

private:
  // -- the lease ----
  bool may_go_on() override;
  bool may_write() const noexcept;

  struct letter {
    caf::strong_actor_ptr to;
    caf::mailbox_element_ptr what;
  };
  void take_arrivals();
  void handle_letters();
  static hosted_actor &receiver_of(letter &x) noexcept { return *static_cast<hosted_actor *>(x.to->get()); }
  void handle(lane_item &item);
  void handle_parcel(parcel &what);
  void handle_local();
  void settle_turn();
  void hand_over();
  /// A snapshot: asking one to leave may end it and its partner.
  std::vector<caf::strong_actor_ptr> everyone();

  node_context &ctx_;
  uint16_t index_;
  std::unique_ptr<net::event_loop> io_;
  net::codec codec_;
  loop_counters &counters_;
  std::mt19937_64 random_;
  std::string scratch_;
  hosted_list actors_;
  session_table sessions_;
  dispatcher dispatcher_;
  actors::fanouts fanouts_{*this};
  requests asks_{*this};
  directory_client directory_{*this};
  actors::links links_{*this};
  actors::takeovers takeovers_{*this};
  actors::restores restores_{*this};
  unsettled_records unsettled_{*this};
  drainer drainer_{*this};
  hosted_ptr<loop_inbox> inbox_;
  hosted_ptr<actors::api_actor> api_;
  actors::acceptors acceptors_{*this};
  admission admission_;
  wall_ms wall_now_ = 0;

  std::vector<lane_item> local_; ///< items for this loop, from this loop
  std::vector<lane_item> handling_;
  std::vector<parcel> outgoing_;    ///< by target loop
  std::vector<letter> own_letters_; ///< from this thread: no lock
  std::vector<letter> own_taken_;
  bool more_ = false; ///< the turn ended with work left

  using mailbox = loop_mailbox<letter, parcel>;
  mailbox arrived_;
  mailbox::batch taken_;             ///< empty between turns; keeps its capacity
  std::optional<lease_guard> lease_; ///< none on a single node
  bool abandoned_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<bool> abandon_{false};
  std::atomic<std::thread::id> thread_{};
};

} // namespace stentor::actors
