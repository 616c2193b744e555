// SPDX-License-Identifier: Apache-2.0
// A cluster of memberships from one seed: processes with their own boot clock, a loop and a lease board each,
// links that are cut, a directory that is away, slow, restarts empty or loses its last write; processes are
// killed, frozen, replaced under the same node id and drained. Time is a number of milliseconds; the promises
// are checked while it runs.
#pragma once

#include "cluster/lease.hpp"
#include "cluster/membership.hpp"
#include "tests/cluster/directory_double.hpp"

#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace stentor::test {

/// How often what happened, over a run.
struct membership_counters {
  uint64_t kills = 0, buried_in_time = 0, freezes = 0, away_turns = 0, replaced = 0, rejoined = 0, fenced = 0,
           outages = 0, restores = 0, declared = 0, swept = 0, drains = 0, waited = 0, restarts = 0,
           fail_overs = 0, isolated = 0, agreed = 0, both_in_outage = 0, both_after_restart = 0,
           both_after_failover = 0;
  membership_counters &operator+=(const membership_counters &x);
};

class membership_world {
public:
  enum class theme : uint8_t {
    mixed,
    directory_only,
    kills_only,
    freezes,
    cuts,
    directory_works,
    links_and_directory
  };
  /// A way to break a rule, to prove that the checks see it.
  enum class fault : uint8_t {
    none,
    deaf_loop,     ///< loops look at the lease only, not at their own absence
    late_lease,    ///< the lease counts from the answer
    no_settling,   ///< declares dead right after a gap
    blind_to_links ///< takes no link for healthy when it declares
  };

  membership_world(uint32_t seed, theme t, fault broken = fault::none);
  ~membership_world();
  /// The first promise broken, or empty.
  std::string run();
  const membership_counters &counts() const noexcept { return counts_; }

private:
  struct process;
  struct event {
    int64_t at = 0;
    uint64_t order = 0;
    std::function<void()> what;
    bool operator<(const event &other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  // -- chance and time ----
  int64_t random(int64_t below) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(below)); }
  int64_t between(int64_t low, int64_t high) { return low + random(high - low + 1); }
  bool chance(int percent) { return random(100) < percent; }
  void at(int64_t when, std::function<void()> what) { events_.push({when, ++order_, std::move(what)}); }
  void after(int64_t delay, std::function<void()> what) { at(clock_ + delay, std::move(what)); }
  void run_to(int64_t end);
  directory_micros directory_clock() const { return (clock_ + 1'000'000) * 1000; }
  boot_time boot_clock_of(const process &p) const;
  void broken(const process &p, const std::string &what);

  // -- processes ----
  process &start(const node_id &name);
  void begin_life(process &p);
  void kill(process &p);
  void freeze(process &p, int64_t length);
  void thaw(process &p);
  void deliver(process &p, incarnation inc, std::function<void()> what);
  void beat(process &p);
  void turn(process &p);
  void check_links(process &p);
  void carry_out(process &p, membership::actions list);
  process *find(const slot_node &who);
  process *pick();
  bool is_good(const process &p, const process &q) const;
  bool is_linked(const process &p, const slot_node &who) const;

  // -- the directory, over a connection ----
  void renew(process &p, bool draining);
  bool reaches(const process &p) const;
  int64_t directory_delay() { return 1 + random(directory_slow_ ? 1000 : 20); } ///< each way
  void sweep(process &p, const slot_node &who);

  // -- faults and the end ----
  void act();
  void directory_changes();
  void away(int64_t length, bool restarts_empty);
  void cut(process &p, process &q, int64_t length);
  void isolate(process &p, int64_t length);
  void heal();
  void check_burial(const slot_node &who, int64_t killed_at);
  void check_agreement();

  std::mt19937 random_;
  theme theme_;
  fault fault_;
  cluster_limits limits_;
  int64_t clock_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<event> events_;
  std::vector<std::unique_ptr<process>> processes_;
  std::set<std::pair<size_t, size_t>> cuts_;
  incarnation incarnations_ = 0;
  directory_double directory_;
  bool directory_up_ = true;
  bool directory_slow_ = false;
  int64_t directory_slow_until_ = -100'000; ///< the latest such time, where it is over
  int64_t failed_over_at_ = -100'000;
  int64_t directory_trouble_at_ = -100'000; ///< the latest of these
  std::vector<int64_t> directory_changes_;
  int64_t other_fault_at_ = -100'000; ///< of any other kind
  int64_t last_death_at_ = -100'000;  ///< or birth: leases of then may still run
  int names_ = 0;
  bool healed_ = false;
  membership_counters counts_;
  std::string broken_;
};

} // namespace stentor::test
