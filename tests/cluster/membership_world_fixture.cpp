// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/membership_world.hpp"

#include <algorithm>

namespace stentor::test {

using std::chrono::milliseconds;

struct membership_world::process {
  struct link {
    link_health health = link_health::down;
    int64_t changed_at = 0; ///< when it last turned good or bad
    bool good = false;
  };
  size_t index = 0;
  node_id name;
  int64_t clock_offset = 0;
  bool alive = true, frozen = false, directory_cut = false, draining = false;
  int64_t started_at = 0, frozen_at = 0, calm_since = 0, must_ask_since = 0, isolated_since = -1;
  std::vector<std::function<void()>> inbox; ///< what came while it was frozen

  // One life, one incarnation.
  slot_node who;
  std::unique_ptr<membership> m;
  std::unique_ptr<lease_board> board;
  std::unique_ptr<lease_guard> guard;
  std::map<slot_node, link> links;
  std::optional<on_view> view;
  bool ready = false;
  std::string_view word;
  int64_t true_until = 0;         ///< by the world's clock, without outages
  int64_t granted_at = 1'000'000; ///< the first time
  int64_t answer_to = -1;         ///< while a renewal's answer is handled: when that was sent
  int64_t asked_at = -1;          ///< the latest question whose answer was published
  directory_micros first_grant_uptime = -1;
  std::set<slot_node> sweeping;
};

membership_counters &membership_counters::operator+=(const membership_counters &x) {
  kills += x.kills, buried_in_time += x.buried_in_time, freezes += x.freezes, away_turns += x.away_turns;
  replaced += x.replaced, rejoined += x.rejoined, fenced += x.fenced, outages += x.outages;
  restores += x.restores, declared += x.declared, swept += x.swept, drains += x.drains, waited += x.waited;
  restarts += x.restarts, fail_overs += x.fail_overs, isolated += x.isolated, agreed += x.agreed;
  both_in_outage += x.both_in_outage, both_after_restart += x.both_after_restart;
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
  p.true_until = 0;
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

/// Each side sees for itself: suspect 1 s after it went bad, down after 4, up again 200 ms after it is good.
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
    else if (!q || since >= 4000 || !wanted.contains(who)) // a killed process resets its connections
      next = link_health::down;
    else if (since >= 1000 && l.health == link_health::up)
      next = link_health::suspect;
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

// -- the directory ----

bool membership_world::reaches(const process &p) const {
  return directory_up_ && !p.directory_cut;
}

void membership_world::renew(process &p, bool draining) {
  auto inc = p.who.inc;
  auto sent = clock_;
  auto sent_at = boot_clock_of(p);
  auto done = std::make_shared<bool>(false); // the client's: answered or timed out
  auto once = [this, &p, inc, done](std::function<void()> what) {
    deliver(p, inc, [done, what = std::move(what)] {
      if (!std::exchange(*done, true))
        what();
    });
  };
  after(limits_.renewal_late.count(), [this, &p, inc, done] {
    deliver(p, inc, [this, &p, done] {
      if (!*done)
        carry_out(p, p.m->on_renewal_failed(renewal_failure::late, boot_clock_of(p)));
    });
  });
  after(limits_.renewal_timeout.count(), [this, &p, once] {
    once([this, &p] {
      carry_out(p,
                p.m->on_renewal_failed(chance(50) ? renewal_failure::timed_out : renewal_failure::unavailable,
                                       boot_clock_of(p)));
    });
  });
  after(directory_delay(), [this, &p, once, sent, sent_at, draining] {
    if (!reaches(p) || !p.alive)
      return;
    renewal r;
    auto failed = directory_.renew({p.who, p.name.str() + ":1", draining}, directory_clock(), r);
    after(directory_delay(), [this, &p, once, sent, sent_at, failed, r]() mutable {
      if (!reaches(p))
        return;
      once([this, &p, sent, sent_at, failed, r]() mutable {
        if (failed) {
          counts_.waited += *failed == renewal_failure::held;
          carry_out(p, p.m->on_renewal_failed(*failed, boot_clock_of(p)));
          return;
        }
        r.answered_at = boot_clock_of(p);
        r.sent_at = fault_ == fault::late_lease ? r.answered_at : sent_at;
        if (p.first_grant_uptime < 0) {
          p.granted_at = clock_;
          p.first_grant_uptime = std::chrono::microseconds{r.uptime}.count();
        }
        p.true_until = sent + limits_.lease.count();
        p.answer_to = sent;
        carry_out(p, p.m->on_renewed(r));
        p.answer_to = -1;
      });
    });
  });
}

void membership_world::sweep(process &p, const slot_node &who) {
  after(directory_delay(), [this, &p, who, inc = p.who.inc] {
    if (!reaches(p) || !p.alive || p.frozen || p.who.inc != inc) {
      p.sweeping.erase(who); // this sweep got stuck
      return;
    }
    auto ended = directory_.dead_lease(who);
    if (ended && directory_clock() < *ended + 1'000'000)
      broken(p, "sweeps " + std::to_string(who.inc) + " too early");
    if (directory_.sweep(who)) {
      ++counts_.swept;
      sweep(p, who);
    } else {
      p.sweeping.erase(who);
    }
  });
}

// -- what a membership asks for ----

void membership_world::carry_out(process &p, membership::actions list) {
  for (auto &a : list) {
    if (auto *x = std::get_if<do_renew>(&a)) {
      renew(p, x->draining);
    } else if (auto *x = std::get_if<do_publish>(&a)) {
      p.board->publish(x->until, x->asked_at);
      // What the world knows to have been asked then, not what membership says.
      p.asked_at = p.answer_to >= 0
                       ? p.answer_to
                       : std::chrono::duration_cast<milliseconds>(x->asked_at.time_since_epoch()).count() -
                             p.clock_offset;
    } else if (std::get_if<do_revoke>(&a)) {
      p.board->revoke();
    } else if (auto *x = std::get_if<on_fenced>(&a)) {
      counts_.fenced += x->fenced;
      // The directory may come and go once within a lease; more often, and others renew where we cannot.
      auto changes = std::count_if(directory_changes_.begin(), directory_changes_.end(),
                                   [&](auto t) { return t >= p.true_until - limits_.lease.count(); });
      if (x->fenced && clock_ - other_fault_at_ > 12'000 && clock_ - p.started_at > 12'000 && changes <= 2)
        broken(p, "fences though nothing but the directory failed");
    } else if (auto *x = std::get_if<on_view>(&a)) {
      p.view = std::move(*x);
    } else if (auto *x = std::get_if<do_declare_dead>(&a)) {
      if (is_linked(p, x->who))
        broken(p, "declares " + std::to_string(x->who.inc) + " dead over a healthy link");
      after(directory_delay(), [this, &p, who = x->who] {
        if (reaches(p) && p.alive && directory_.declare_dead(who, directory_clock())) {
          ++counts_.declared;
          // Away or empty, the directory makes nobody dead who would have renewed.
          auto *q = find(who);
          if (q && !q->frozen && !q->directory_cut && q->calm_since < clock_ - 10'000)
            broken(p, "declared " + std::to_string(who.inc) + " dead who is well");
          if (theme_ == theme::directory_only)
            broken(p, "declared " + std::to_string(who.inc) + " dead though nobody died");
        }
      });
    } else if (auto *x = std::get_if<do_sweep>(&a)) {
      if (is_linked(p, x->who))
        broken(p, "sweeps " + std::to_string(x->who.inc) + " over a healthy link");
      if (p.sweeping.insert(x->who).second)
        sweep(p, x->who);
    } else if (auto *x = std::get_if<do_ask>(&a)) {
      for (const auto &who : x->whom)
        after(between(1, 30), [this, &p, who, round = x->round, inc = p.who.inc] {
          auto *q = find(who);
          if (!q || cuts_.contains(std::minmax(p.index, q->index)))
            return;
          deliver(*q, who.inc, [this, &p, q, round, inc] {
            auto can = q->m->can_renew(boot_clock_of(*q));
            auto from = q->who;
            if (can)
              after(between(1, 30), [this, &p, q, from, round, inc, can] {
                if (!cuts_.contains(std::minmax(p.index, q->index)))
                  deliver(p, inc, [this, &p, from, round, can] {
                    carry_out(p, p.m->on_peer_answer(round, from, *can, boot_clock_of(p)));
                  });
              });
          });
        });
    } else if (auto *x = std::get_if<on_outage>(&a)) {
      counts_.outages += x->began;
    } else if (std::get_if<do_restore>(&a)) {
      ++counts_.restores;
    } else if (std::get_if<do_rejoin>(&a)) {
      ++counts_.rejoined;
      last_death_at_ = clock_;
      bool replaced = std::any_of(processes_.begin(), processes_.end(),
                                  [&](auto &q) { return q.get() != &p && q->alive && q->name == p.name; });
      if (replaced)
        kill(p);
      else
        begin_life(p);
      return;
    } else if (auto *x = std::get_if<on_ready>(&a)) {
      p.ready = x->ready;
      p.word = x->word;
    }
  }
}

// -- faults ----

/// It is away, slow, another, or is not any more.
void membership_world::directory_changes() {
  directory_trouble_at_ = clock_;
  directory_changes_.push_back(clock_);
}

void membership_world::away(int64_t length, bool restarts_empty) {
  if (!directory_up_)
    return;
  directory_changes();
  directory_up_ = false;
  after(length, [this, restarts_empty] {
    directory_changes();
    directory_up_ = true;
    if (restarts_empty) {
      ++counts_.restarts;
      directory_.restart_empty(directory_clock());
    }
  });
}

void membership_world::cut(process &p, process &q, int64_t length) {
  auto pair = std::minmax(p.index, q.index);
  std::pair<size_t, size_t> key{pair.first, pair.second};
  if (&p == &q || !cuts_.insert(key).second)
    return;
  other_fault_at_ = clock_;
  after(length, [this, key] {
    if (cuts_.erase(key))
      other_fault_at_ = clock_;
  });
}

void membership_world::isolate(process &p, int64_t length) {
  if (p.directory_cut)
    return;
  ++counts_.isolated;
  for (auto &q : processes_)
    cut(p, *q, length);
  p.directory_cut = true;
  other_fault_at_ = p.isolated_since = clock_;
  after(length - 1, [this, &p] {
    p.directory_cut = false;
    p.isolated_since = -1;
    p.calm_since = other_fault_at_ = clock_;
  });
}

void membership_world::check_burial(const slot_node &who, int64_t killed_at) {
  auto begin = killed_at - 12'000;
  bool able = false;
  for (auto &p : processes_)
    able |= p->alive && !p->frozen && !p->directory_cut && p->calm_since < begin && p->granted_at < begin;
  if (!able || !directory_up_ || directory_slow_ || directory_trouble_at_ > begin)
    return;
  if (!directory_.is_dead(who) && broken_.empty())
    broken_ = std::to_string(clock_) + " ms: " + who.node.str() + "/" + std::to_string(who.inc) +
              " was killed 7 s ago and is not dead";
  ++counts_.buried_in_time;
}

void membership_world::act() {
  static constexpr int chances[][9] = {
      // kill freeze cut isolate directory_cut away drain start failover
      {12, 16, 12, 8, 12, 14, 8, 8, 10},  // mixed
      {0, 0, 0, 0, 0, 85, 0, 0, 15},      // directory_only
      {70, 0, 0, 0, 0, 0, 15, 15, 0},     // kills_only
      {15, 70, 0, 0, 0, 0, 5, 10, 0},     // freezes
      {5, 5, 40, 20, 30, 0, 0, 0, 0},     // cuts
      {20, 20, 20, 10, 10, 0, 10, 10, 0}, // directory_works
      {0, 0, 55, 0, 0, 45, 0, 0, 0}       // links_and_directory
  };
  auto dice = random(100);
  int what = 0;
  for (const auto *c = chances[static_cast<size_t>(theme_)]; what < 8 && dice >= c[what]; ++what)
    dice -= c[what];
  auto *p = pick();
  auto *q = pick();
  switch (p ? what : 7) {
  case 0: {
    ++counts_.kills;
    kill(*p);
    if (p->true_until > clock_)
      after(7000, [this, who = p->who, killed = clock_] { check_burial(who, killed); });
    if (chance(60))
      after(between(200, 9000), [this, name = p->name] {
        if (!healed_)
          start(name);
      });
    break;
  }
  case 1:
    freeze(*p, chance(40) ? between(100, 2500) : between(2500, 12'000));
    if (chance(30)) {
      ++counts_.replaced;
      after(between(100, 6000), [this, name = p->name] {
        if (!healed_)
          start(name);
      });
    }
    break;
  case 2:
    cut(*p, *q, between(300, 10'000));
    break;
  case 3:
    isolate(*p, between(300, 10'000));
    break;
  case 4:
    if (!p->directory_cut) {
      p->directory_cut = true;
      other_fault_at_ = clock_;
      after(between(300, 12'000), [this, p] {
        p->directory_cut = false;
        p->calm_since = other_fault_at_ = clock_;
      });
    }
    break;
  case 5:
    if (chance(25)) {
      directory_slow_ = true;
      directory_changes();
      after(between(500, 8000), [this] {
        directory_slow_ = false;
        directory_changes();
      });
    } else {
      away(chance(50) ? between(1, 3000) : between(3000, 25'000), chance(40));
    }
    break;
  case 6:
    ++counts_.drains;
    p->draining = true;
    other_fault_at_ = clock_;
    carry_out(*p, p->m->drain(boot_clock_of(*p)));
    after(between(1500, 4000), [this, p] {
      if (p->alive)
        kill(*p);
    });
    break;
  case 7:
    start(node_id::trusted("n" + std::to_string(++names_)));
    other_fault_at_ = clock_;
    break;
  default:
    if (directory_up_) {
      ++counts_.fail_overs;
      directory_changes();
      directory_.fail_over();
    }
  }
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
    p->directory_cut = false;
    p->isolated_since = -1;
  }
  cuts_.clear();
  directory_slow_ = false;
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
  // Leases of those who died or were born just now still run; everything else is agreed 3 s later.
  auto settled = clock_ - last_death_at_ < 7000 ? clock_ + 7000 : clock_;
  run_to(settled + 3000);
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
