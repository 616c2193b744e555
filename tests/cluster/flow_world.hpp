// SPDX-License-Identifier: Apache-2.0
// A small cluster around flows, from one seed: sender loops with a flow each to one device, target loops
// whose sessions cork, write, bounce and die, links in order with random delays, a directory that answers
// late and sometimes with yesterday's truth. Time is a number; nothing here is a thread.
#pragma once

#include "cluster/flow.hpp"
#include "tests/cluster/flow_trace.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace stentor::test {

/// How often what happened, over a run: a simulation that never turns proves nothing about turning.
struct world_counters {
  uint64_t written = 0, written_resent = 0, bounced = 0, turns = 0, offline = 0, unreachable = 0, expired = 0,
           congested = 0, roads_lost = 0, learned = 0, stale_answers = 0;
};

class flow_world {
public:
  /// A way to break a rule the flow relies on, to prove that the check sees the damage.
  enum class fault : uint8_t {
    none,
    holds_back, ///< a dying session bounces what comes, but still writes what it held
  };

  explicit flow_world(uint32_t seed, fault broken = fault::none);
  /// Runs to the end of all events. The first promise broken, or empty.
  std::string run();
  const world_counters &counts() const noexcept { return counts_; }

private:
  struct item {
    enum class kind : uint8_t { message, marker } what;
    route at;
    envelope_ptr e; ///< for `message`
    uint64_t number = 0;
  };
  /// One direction between a sender loop and a target loop.
  struct link {
    std::deque<item> items;
    int64_t last_arrival = 0;
    uint32_t life = 0; ///< raised when the link is cut: arrivals of before are void
  };
  struct session {
    size_t loop = 0;
    route at;
    bool alive = true;
    bool flushing = false;
    std::deque<envelope_ptr> cork;
  };
  struct target {
    incarnation inc = 0;
  };
  struct event {
    enum class kind : uint8_t {
      send,
      tick,
      arrive,
      arrive_back,
      answer,
      act,
      flush,
      supersede,
      route_lost,
      learn
    };
    int64_t at = 0;
    uint64_t order = 0; ///< events of one instant keep the order they were made in
    kind what = kind::tick;
    size_t a = 0;
    size_t b = 0;
    uint64_t n = 0;
    bool operator<(const event &other) const { return at != other.at ? at > other.at : order > other.order; }
  };
  /// A sender's loop: the host of its flow, and the books that the flow's own must agree with.
  struct sender : flow_host {
    flow_world *world = nullptr;
    size_t index = 0;
    flow path{device_id::trusted("d")};
    int next = 0;
    size_t held = 0, held_bytes = 0, held_fresh = 0, held_fresh_bytes = 0;
    bool asked = false; ///< a resolve is open

    void forward(const route &to, envelope_ptr e) override;
    void send_marker(const route &to, const device_id &device, uint64_t marker) override;
    void resolve(const device_id &device, uint64_t ticket) override;
    void settle(envelope_ptr e, verdict v, stage at) override;
    void enter(const envelope &e, bool fresh);
    void leave(const envelope &e, bool fresh);
  };

  int64_t random(int64_t below) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(below)); }
  bool chance(int percent) { return random(100) < percent; }
  time_point now() const { return time_point{std::chrono::milliseconds{clock_}}; }
  void schedule(int64_t delay, event::kind what, size_t a = 0, size_t b = 0, uint64_t n = 0);
  link &forth(size_t from, size_t to) { return forth_[from * targets_.size() + to]; }
  link &back(size_t from, size_t to) { return back_[from * targets_.size() + to]; }
  void put(link &l, event::kind arrival, size_t a, size_t b, item x);
  void end(const envelope &e, verdict v);
  std::optional<size_t> loop_of(const route &r) const;

  void handle(const event &x);
  void send_some(sender &s);
  void arrive(size_t from, size_t to);
  void arrive_back(size_t from, size_t to);
  void bounce(size_t loop, const route &refused, envelope_ptr e);
  void flush(session &s);
  void kill(session &s);
  void act();
  void connect();
  void lose_node(size_t loop);
  std::string check_books(const sender &s) const;

  static constexpr int64_t length = 3000; ///< milliseconds in which things are begun
  std::mt19937 random_;
  fault fault_;
  limits limits_;
  int64_t clock_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<event> events_;
  std::vector<std::unique_ptr<sender>> senders_;
  std::vector<target> targets_;
  std::vector<link> forth_, back_;
  std::vector<std::unique_ptr<session>> sessions_;        ///< by generation - 1
  std::vector<std::optional<route>> bound_{std::nullopt}; ///< what the directory said, oldest first
  session *current_ = nullptr;
  epoch epochs_ = 0;
  incarnation incarnations_ = 0;
  trace trace_;
  world_counters counts_;
  std::string broken_;
};

} // namespace stentor::test
