// SPDX-License-Identifier: Apache-2.0
// What goes wrong in the membership world.
#include "tests/cluster/membership_process.hpp"

#include <algorithm>

namespace stentor::test {

// -- faults ----

/// It is away, another, or is not any more.
void membership_world::directory_changes() {
  directory_trouble_at_ = clock_;
  directory_changes_.push_back(clock_);
}

void membership_world::away(int64_t length, bool restarts_empty) {
  if (!directory_up_ || healed_)
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
      directory_trouble_at_ = clock_;
      after(between(500, 8000), [this] {
        if (std::exchange(directory_slow_, false))
          directory_trouble_at_ = directory_slow_until_ = clock_;
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
      failed_over_at_ = clock_;
      directory_changes();
      directory_.fail_over();
    }
  }
}

} // namespace stentor::test
