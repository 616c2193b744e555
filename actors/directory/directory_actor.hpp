// SPDX-License-Identifier: Apache-2.0
// The directory actor: the only caller of storage on this node. What is asked while a call runs is carried
// out together in the next one of its kind; kinds take turns, so that none waits for long behind another.
// Passes the events that its writes made to the routers of the accounts concerned. Detached where storage
// blocks.
#pragma once

#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/directory/store_queue.hpp"
#include "actors/telemetry/metrics.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace stentor::actors {

struct directory_state {
  /// Declared, so that this is no aggregate: C++20 would let CAF initialise the first member from the actor's
  /// pointer.
  directory_state() = default;
  static constexpr const char *name = "directory";
  /// As `directory_client` waits for binds, and a router for lookups.
  static constexpr std::chrono::milliseconds patience{4000};
  static constexpr std::chrono::milliseconds lookup_patience{3500};
  /// Items carried out by one call: what fills a pipeline. Others wait for as long as it takes.
  static constexpr size_t items_a_call = 1000;
  /// Calls that are no batch of anybody's requests.
  static constexpr size_t most_chores = 1024;

  directory_actor::stateful_pointer<directory_state> self = nullptr;
  std::shared_ptr<storage::directory> store;
  std::shared_ptr<actors::metrics> metrics;
  std::shared_ptr<const cluster_view> view;
  std::vector<router_actor> routers;
  bool wanted = false;      ///< somebody wants events
  bool watched = false;     ///< `cursor` stands in the stream
  bool owes_resync = false; ///< watchers missed something, and were not told yet
  std::string cursor;
  /// How often events are asked for: others write them, too. Zero where this actor makes them all.
  std::chrono::milliseconds poll{0};

  // -- what waits ----
  using time_point = std::chrono::steady_clock::time_point;
  store_queue<storage::unbind_request, bool> unbinds{patience};
  store_queue<storage::bind_request, std::vector<bind_answer>> binds{patience};
  store_queue<storage::restore_request, std::vector<restore_answer>> restores{patience};
  store_queue<device_id, std::vector<lookup_answer>> lookups{lookup_patience};
  store_queue<account_id, std::vector<storage::record>> lists{lookup_patience};
  struct chore {
    std::function<void()> what;
    uint64_t number;
  };
  std::deque<chore> chores;

  /// The answer comes once a call has carried it out; at once where too much waits.
  template <class Queue>
  caf::result<typename Queue::reply> ask(Queue &to, typename Queue::batch what);
  /// False where too many wait.
  bool add_chore(std::function<void()> what);
  /// The next kind's call, and word to itself where more is left to do.
  void work();

  // -- what is asked ----
  void sweep(const node_id &node, incarnation inc);
  /// Answered with whether the store has them: else it is for the asker to repeat.
  caf::result<bool> notify(const node_id &node, incarnation inc, const std::vector<storage::notice> &notices);
  caf::result<std::vector<storage::record>> walk(incarnation inc, slot first, size_t count);
  caf::result<bool> watch();
  /// Answered once everything that was asked before has been carried out, whatever came behind it.
  caf::result<uint64_t> count();
  void adopt(const std::vector<caf::strong_actor_ptr> &handles);
  void tick();

private:
  static constexpr size_t kinds = 6;
  time_point now() const { return self->clock().now(); }
  bool is_idle() const noexcept;
  void want_work();
  /// One call of this kind; false where none waits.
  bool step(size_t kind);
  template <class Queue, class Call>
  bool carry_out(Queue &from, Call call);
  template <class Queue>
  void refuse_late(Queue &from);
  bool unbind_all();
  bool bind_all();
  bool restore_all();
  bool lookup_all();
  bool list_one();
  bool do_chore();
  /// Those with nothing before them any more.
  void answer_counts();
  void count_batch(size_t requests, size_t failures);
  void read_size();

  // -- events ----
  bool begin_watch();
  bool tell_resync();
  void want_events();
  /// One reading; true where there may be more.
  bool publish_events();

  bool working_ = false; ///< word to itself is under way
  size_t next_kind_ = 0;
  bool reads_events_ = false; ///< a chore
  time_point size_read_{};
  struct waiting_count {
    caf::typed_response_promise<uint64_t> asker;
    uint64_t number;
  };
  std::deque<waiting_count> counts_;
  uint64_t last_number_ = 0; ///< of what was asked
};

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         std::shared_ptr<storage::directory> store,
                                         std::shared_ptr<actors::metrics> metrics,
                                         std::shared_ptr<const cluster_view> view,
                                         std::chrono::milliseconds poll);

} // namespace stentor::actors
