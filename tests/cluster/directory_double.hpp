// SPDX-License-Identifier: Apache-2.0
// The directory's membership calls in memory, with a clock of its own, and with the ways a Redis fails: it
// restarts empty, or a replica takes over that had not seen the last write. Being away or slow is the world's
// part.
#pragma once

#include "cluster/membership_events.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace stentor::test {

class directory_double {
public:
  explicit directory_double(directory_micros lease) : lease_{lease} {}

  /// The failure, or nothing and `into` is filled (not its `sent_at` and `answered_at`).
  std::optional<renewal_failure> renew(const member &m, directory_micros now, renewal &into) {
    if (now_.dead.contains(m.who))
      return renewal_failure::dead;
    for (const auto &[who, l] : now_.leases)
      if (who.node == m.who.node && who.inc > m.who.inc)
        return renewal_failure::dead;
    for (const auto &[who, l] : now_.leases)
      if (who.node == m.who.node && who.inc < m.who.inc && l.until > now)
        return renewal_failure::held;
    write();
    now_.leases[m.who] = {m, now + lease_};
    into.now = now;
    into.until = now + lease_;
    into.run_id = std::to_string(run_);
    into.uptime = std::chrono::milliseconds{(now - up_since_) / 1000};
    for (const auto &[who, l] : now_.leases)
      if (l.until > now)
        into.view.push_back(l.m);
      else
        into.expired.push_back({who, l.until});
    for (const auto &[who, d] : now_.dead)
      if (d.left > 0)
        into.unswept.push_back({who, d.until});
    return std::nullopt;
  }

  /// Only where its lease has ended. True where that made it dead.
  bool declare_dead(const slot_node &who, directory_micros now) {
    auto it = now_.leases.find(who);
    if (it == now_.leases.end() || it->second.until > now)
      return false;
    write();
    now_.dead[who] = {it->second.until, 3};
    now_.leases.erase(who);
    return true;
  }

  /// One batch of its records; false where nothing was left.
  bool sweep(const slot_node &who) {
    auto it = now_.dead.find(who);
    if (it == now_.dead.end() || it->second.left == 0)
      return false;
    write();
    --now_.dead[who].left;
    return true;
  }

  void restart_empty(directory_micros now) {
    now_ = before_ = {};
    ++run_;
    up_since_ = now;
  }
  void fail_over() {
    now_ = before_;
    ++run_;
  }

  bool is_dead(const slot_node &who) const { return now_.dead.contains(who); }
  std::optional<directory_micros> dead_lease(const slot_node &who) const {
    auto it = now_.dead.find(who);
    return it == now_.dead.end() ? std::nullopt : std::optional{it->second.until};
  }
  bool is_tidy(directory_micros now) const {
    for (const auto &[who, l] : now_.leases)
      if (l.until <= now)
        return false;
    for (const auto &[who, d] : now_.dead)
      if (d.left > 0)
        return false;
    return true;
  }
  directory_micros up_since() const { return up_since_; }

private:
  struct lease {
    member m;
    directory_micros until = 0;
  };
  struct tombstone {
    directory_micros until = 0;
    uint64_t left = 0;
  };
  struct state {
    std::map<slot_node, lease> leases;
    std::map<slot_node, tombstone> dead;
  };
  void write() { before_ = now_; }

  directory_micros lease_;
  state now_, before_;
  int run_ = 1;
  directory_micros up_since_ = -1'000'000'000;
};

} // namespace stentor::test
