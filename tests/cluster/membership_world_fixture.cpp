// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/membership_process.hpp"

#include <algorithm>

namespace stentor::test {

using std::chrono::milliseconds;

membership_counters &membership_counters::operator+=(const membership_counters &x) {
  kills += x.kills, buried_in_time += x.buried_in_time, freezes += x.freezes, away_turns += x.away_turns;
  replaced += x.replaced, rejoined += x.rejoined, fenced += x.fenced, outages += x.outages;
  restores += x.restores, declared += x.declared, swept += x.swept, drains += x.drains, waited += x.waited;
  restarts += x.restarts, fail_overs += x.fail_overs, isolated += x.isolated, agreed += x.agreed;
  both_in_outage += x.both_in_outage, both_after_restart += x.both_after_restart;
  both_after_failover += x.both_after_failover;
  return *this;
}

membership_world::membership_world(uint32_t seed, theme t, fault broken)
    : random_{seed}, theme_{t}, fault_{broken},
      directory_{std::chrono::duration_cast<std::chrono::microseconds>(limits_.lease).count()} {
  if (fault_ == fault::deaf_loop)
    limits_.away = std::chrono::hours{1};
  if (fault_ == fault::no_settling)
    limits_.settle = milliseconds{0};
  for (auto n = 2 + random(4); n > 0; --n)
    at(random(1500), [this] { start(node_id::trusted("n" + std::to_string(++names_))); });
}

membership_world::~membership_world() = default;

// -- time ----

boot_time membership_world::boot_clock_of(const process &p) const {
  return boot_time{milliseconds{clock_ + p.clock_offset}};
}

void membership_world::broken(const process &p, const std::string &what) {
  if (broken_.empty())
    broken_ = std::to_string(clock_) + " ms: " + p.name.str() + "/" + std::to_string(p.who.inc) + " " + what;
}

void membership_world::run_to(int64_t end) {
  while (broken_.empty() && !events_.empty() && events_.top().at <= end) {
    auto x = events_.top();
    events_.pop();
    clock_ = x.at;
    x.what();
  }
  clock_ = end;
}

// -- processes ----

membership_world::process &membership_world::start(const node_id &name) {
  auto &p = *processes_.emplace_back(std::make_unique<process>());
  p.index = processes_.size() - 1;
  p.name = name;
  p.clock_offset = between(1'000'000, 9'000'000);
  p.started_at = clock_;
  last_death_at_ = clock_;
  begin_life(p);
  beat(p);
  return p;
}

void membership_world::begin_life(process &p) {
  p.who = {p.name, ++incarnations_};
  p.m = std::make_unique<membership>(member{p.who, p.name.str() + ":1", p.draining}, limits_);
  p.board = std::make_unique<lease_board>();
  p.guard = std::make_unique<lease_guard>(*p.board, limits_);
  p.links.clear();
  p.view.reset();
  p.ready = false;
  p.word = {};
  p.true_until = p.true_before = 0;
  p.granted_at = 1'000'000;
  p.asked_at = p.first_grant_uptime = -1;
  p.sweeping.clear();
  p.calm_since = clock_;
}

void membership_world::kill(process &p) {
  p.alive = false;
  last_death_at_ = other_fault_at_ = clock_;
  p.inbox.clear();
}

void membership_world::freeze(process &p, int64_t length) {
  ++counts_.freezes;
  p.frozen = true;
  p.frozen_at = other_fault_at_ = clock_;
  after(length, [this, &p, inc = p.who.inc] {
    if (p.frozen && p.who.inc == inc)
      thaw(p);
  });
}

void membership_world::thaw(process &p) {
  p.frozen = false;
  p.calm_since = other_fault_at_ = clock_;
  if (clock_ - p.frozen_at > cluster_limits{}.away.count())
    p.must_ask_since = clock_;
  for (auto &[who, l] : p.links)
    l.changed_at = std::max(l.changed_at, clock_); // a link forgives its own node's absence
  // Whichever thread is scheduled first.
  if (chance(50))
    turn(p);
  for (auto &x : std::exchange(p.inbox, {}))
    x();
  if (p.alive)
    turn(p);
}

void membership_world::deliver(process &p, incarnation inc, std::function<void()> what) {
  if (!p.alive || p.who.inc != inc)
    return;
  if (p.frozen)
    p.inbox.push_back([&p, inc, what = std::move(what)] {
      if (p.alive && p.who.inc == inc)
        what();
    });
  else
    what();
}

void membership_world::beat(process &p) {
  if (!p.alive)
    return;
  if (!p.frozen) {
    check_links(p);
    if (chance(50))
      turn(p);
    carry_out(p, p.m->tick(boot_clock_of(p)));
    turn(p);
  }
  after(between(40, 100), [this, &p] { beat(p); });
}

/// A turn of its loop, and what must be true of a node whose loop may write.
void membership_world::turn(process &p) {
  auto state = p.guard->turn(boot_clock_of(p));
  counts_.away_turns += state == lease_state::away;
  if (state != lease_state::held)
    return;
  if (p.asked_at < p.must_ask_since)
    broken(p, "writes after it was frozen, before it asked");
  for (auto &q : processes_) {
    if (q.get() == &p || !q->alive || q->frozen || q->name != p.name ||
        !q->guard->may_write(boot_clock_of(*q)))
      continue;
    // Stated in docs: going on in an outage, and a directory that forgot everything, are stronger than this.
    auto &older = p.who.inc < q->who.inc ? p : *q;
    auto &newer = p.who.inc < q->who.inc ? *q : p;
    if (clock_ >= older.true_until)
      ++counts_.both_in_outage;
    else if (newer.first_grant_uptime < 5'000'000)
      ++counts_.both_after_restart;
    else if (failed_over_at_ > older.true_until - limits_.lease.count() &&
             older.true_until - older.true_before > limits_.predecessor_margin.count())
      ++counts_.both_after_failover; // it lost a renewal that came after a lost one: more than the margin
    else
      broken(p, "writes while " + std::to_string(q->who.inc) + " does");
  }
  // Another cut between two nodes may have ended sooner.
  for (auto &q : processes_)
    if (p.isolated_since >= 0 && q.get() != &p && is_good(p, *q))
      p.isolated_since = clock_;
  if (p.isolated_since >= 0 && clock_ >= p.isolated_since + limits_.lease.count() && p.view &&
      !p.view->peers.empty())
    broken(p, "writes though it has been cut from everything for a lease");
}

membership_world::process *membership_world::find(const slot_node &who) {
  for (auto &p : processes_)
    if (p->alive && p->who == who)
      return p.get();
  return nullptr;
}

membership_world::process *membership_world::pick() {
  std::vector<process *> able;
  for (auto &p : processes_)
    if (p->alive && !p->frozen)
      able.push_back(p.get());
  return able.empty() ? nullptr : able[static_cast<size_t>(random(static_cast<int64_t>(able.size())))];
}

// -- links ----

bool membership_world::is_good(const process &p, const process &q) const {
  return p.alive && q.alive && !p.frozen && !q.frozen && !cuts_.contains(std::minmax(p.index, q.index));
}

/// Both want the link and it has worked for a while.
bool membership_world::is_linked(const process &p, const slot_node &who) const {
  auto it = p.links.find(who);
  return it != p.links.end() && it->second.good && clock_ - it->second.changed_at > 2500;
}

/// Each side sees for itself: down 1 s after it went bad, up again 200 ms after it is good.
void membership_world::check_links(process &p) {
  std::set<slot_node> wanted;
  if (p.view)
    for (const auto &m : p.view->peers)
      wanted.insert(m.who);
  for (auto &q : processes_)
    if (q->alive && q.get() != &p && q->view &&
        std::any_of(q->view->peers.begin(), q->view->peers.end(), [&](auto &m) { return m.who == p.who; }))
      wanted.insert(q->who);
  std::vector<std::pair<slot_node, link_health>> changes;
  for (const auto &who : wanted)
    p.links.try_emplace(who);
  for (auto it = p.links.begin(); it != p.links.end();) {
    auto &[who, l] = *it;
    auto *q = find(who);
    bool good = q && is_good(p, *q) && wanted.contains(who);
    if (good != l.good)
      l = {l.health, clock_, good};
    auto since = clock_ - l.changed_at;
    auto next = l.health;
    if (good)
      next = l.health == link_health::down && since < 200 ? link_health::down : link_health::up;
    else if (!q || since >= 1000 || !wanted.contains(who)) // a killed process resets its connections
      next = link_health::down;
    if (next != std::exchange(l.health, next))
      changes.emplace_back(who, next);
    it = next == link_health::down && !wanted.contains(who) ? p.links.erase(it) : std::next(it);
  }
  auto inc = p.who.inc;
  for (auto &[who, health] : changes)
    if (p.who.inc == inc)
      carry_out(p, p.m->on_link(who, fault_ == fault::blind_to_links ? link_health::down : health,
                                boot_clock_of(p)));
}

// -- the end ----

void membership_world::heal() {
  healed_ = true;
  for (auto &p : processes_) {
    if (!p->alive)
      continue;
    bool doubled = std::any_of(processes_.begin(), processes_.end(), [&](auto &q) {
      return q->alive && q->name == p->name && q->index > p->index;
    });
    if (doubled || p->draining)
      kill(*p);
    if (p->frozen && p->alive)
      thaw(*p);
    if (std::exchange(p->directory_cut, false))
      p->calm_since = clock_;
    p->isolated_since = -1;
  }
  cuts_.clear();
  if (std::exchange(directory_slow_, false))
    directory_slow_until_ = clock_;
  if (!directory_up_) {
    directory_up_ = true;
    directory_changes();
  }
}

void membership_world::check_agreement() {
  std::vector<slot_node> expected;
  for (auto &p : processes_)
    if (p->alive)
      expected.push_back(p->who);
  std::sort(expected.begin(), expected.end());
  auto list = [](const std::vector<slot_node> &nodes) {
    std::string text;
    for (auto &x : nodes)
      text += " " + x.node.str() + "/" + std::to_string(x.inc);
    return text;
  };
  for (auto &p : processes_)
    if (p->alive && (!p->view || p->view->slots != expected))
      broken(*p, "sees" + (p->view ? list(p->view->slots) : " nothing") + ", but there are" + list(expected) +
                     " (" + std::string{p->word} + ")");
  ++counts_.agreed;
}

std::string membership_world::run() {
  run_to(14'000);
  // A few faults with rests, so that a single one is also seen to its end.
  while (broken_.empty() && clock_ < 50'000) {
    act();
    run_to(clock_ + (chance(40) ? between(10, 2000) : between(2000, 15'000)));
  }
  if (broken_.empty())
    heal();
  // Leases of those who died or were born just now still run; everything else is agreed once a renewal that
  // was lost has timed out, the next is answered, and everybody has renewed after that: each a tick of 100 ms
  // later at most, and 40 ms on its way.
  auto settled = clock_ - last_death_at_ < 7000 ? clock_ + 7000 : clock_;
  run_to(settled + (limits_.renewal_timeout + limits_.renew_every).count() + 300);
  for (int i = 0; i < 20 && broken_.empty(); ++i) {
    check_agreement();
    run_to(clock_ + 150);
  }
  run_to(clock_ + 20'000);
  if (broken_.empty())
    check_agreement();
  for (auto &p : processes_)
    if (p->alive && !p->ready)
      broken(*p, "is not ready at the end: " + std::string{p->word});
  bool anyone = std::any_of(processes_.begin(), processes_.end(), [](auto &p) { return p->alive; });
  if (broken_.empty() && anyone && !directory_.is_tidy(directory_clock()))
    broken_ = "somebody dead is not swept at the end";
  return broken_;
}

} // namespace stentor::test
