// SPDX-License-Identifier: Apache-2.0
#include "cluster/membership.hpp"

#include <algorithm>

namespace stentor {

membership::actions membership::done() {
  tell_ready();
  return std::exchange(out_, {});
}

// -- time ----

membership::actions membership::tick(boot_time now) {
  if (over_)
    return {};
  fence(now);
  if (failing_)
    poll(now);
  if (!in_flight_ && now >= next_renewal_) {
    in_flight_ = true;
    next_renewal_ = now + limits_.renew_every;
    say(do_renew{self_.draining});
  }
  return done();
}

void membership::fence(boot_time now) {
  if (fenced_ || now < published_until_)
    return;
  fenced_ = true;
  say(on_fenced{true});
  if (std::exchange(outage_, false)) // it may be one for the others, but we do not go on in it
    say(on_outage{false});
}

// -- the directory's answers ----

membership::actions membership::on_renewed(const renewal &r) {
  if (over_)
    return {};
  auto now = r.answered_at;
  fence(now); // we may have been frozen until this very event
  in_flight_ = false;
  failing_ = held_by_other_ = false;
  last_attempt_ = {now, true};
  poll_.cancel();
  // An answer that lay unread longer than the lease it grants is no news of anything.
  if (now >= r.sent_at + limits_.lease)
    return done();
  take_lease(r);
  take_view(r);
  bury(r);
  return done();
}

void membership::take_lease(const renewal &r) {
  auto now = r.answered_at;
  bool first = lease_until_ == boot_time{};
  bool gap = now >= lease_until_;
  bool other_run = !first && r.run_id != run_id_;
  if (gap || other_run) {
    unsettled_until_ = now + limits_.settle;
    keep_until_ = now + limits_.lease;
    restore_owed_ |= !first;
  }
  // What was lost for us may have been lost for all: those whose leases ended meanwhile have a lease's time.
  if (std::exchange(has_lost_one_, false))
    unsettled_until_ = std::max(unsettled_until_, now + std::min(limits_.lease, limits_.settle));
  // A lease that was lost and is granted again by a directory younger than two leases proves nothing: it may
  // have forgotten that another incarnation of our id holds one. An earlier start of ours whose lease has
  // ended may still count on a renewal that a failover lost.
  if (gap && fenced_ && !first && r.uptime < limits_.settle)
    not_before_ = now + (limits_.settle - r.uptime);
  if (first && std::any_of(r.expired.begin(), r.expired.end(),
                           [&](const ended_lease &x) { return x.who.node == self_.who.node; }))
    not_before_ = now + limits_.predecessor_margin;
  run_id_ = r.run_id;
  lease_until_ = r.sent_at + limits_.lease;
  directory_until_ = r.until;
  if (now >= not_before_)
    publish(lease_until_, r.sent_at);
  if (std::exchange(outage_, false))
    say(on_outage{false});
  if (!fenced_ && std::exchange(restore_owed_, false))
    say(do_restore{});
}

void membership::publish(boot_time until, boot_time asked_at) {
  published_until_ = std::max(published_until_, until);
  say(do_publish{published_until_, asked_at, directory_until_});
  if (std::exchange(fenced_, false))
    say(on_fenced{false});
}

void membership::take_view(const renewal &r) {
  auto now = r.answered_at;
  for (auto &who : view_.merge({r, self_.who, now < keep_until_, now >= unsettled_until_}))
    say(on_dead{std::move(who)});
  tell_view();
}

void membership::bury(const renewal &r) {
  bool settled = r.answered_at >= unsettled_until_;
  auto margin = std::chrono::microseconds{limits_.dead_margin}.count();
  for (const auto &x : r.expired) {
    // The directory gave us the lease of our node id: whoever had it before is over, settled or not.
    bool predecessor = x.who.node == self_.who.node && x.who.inc != self_.who.inc;
    if (predecessor || (settled && r.now >= x.until + margin && view_.health(x.who) != link_health::up))
      say(do_declare_dead{x.who});
  }
  for (auto &who : sweeps_.due(r, self_.who, view_.leased(), limits_))
    if (view_.health(who) != link_health::up)
      say(do_sweep{std::move(who)});
}

membership::actions membership::on_renewal_failed(renewal_failure why, boot_time now) {
  if (over_)
    return {};
  fence(now);
  in_flight_ = why == renewal_failure::late;
  switch (why) {
  case renewal_failure::dead:
    over_ = true;
    say(do_revoke{});
    if (!std::exchange(fenced_, true))
      say(on_fenced{true});
    say(do_rejoin{});
    break;
  case renewal_failure::held:
    failing_ = false;
    held_by_other_ = true;
    last_attempt_ = {now, true};
    poll_.cancel();
    break;
  case renewal_failure::late:
  case renewal_failure::unavailable:
  case renewal_failure::timed_out:
    failing_ = true;
    has_lost_one_ |= why != renewal_failure::late;
    held_by_other_ = false;
    last_attempt_ = {now, false};
    poll(now);
    break;
  }
  return done();
}

// -- the peers ----

/// Asks the peers while we cannot renew, and goes on under an outage. A fenced node is let go only by the
/// directory: it may have been declared dead meanwhile, and no peer would know.
void membership::poll(boot_time now) {
  if (fenced_)
    return;
  if (!poll_.is_running()) {
    if (now < next_poll_)
      return;
    next_poll_ = now + limits_.poll_every;
    auto others = view_.peers();
    std::vector<slot_node> linked;
    for (const auto &m : others)
      if (view_.health(m.who) == link_health::up)
        linked.push_back(m.who);
    auto round = poll_.begin(now, !others.empty(), linked);
    if (!linked.empty())
      say(do_ask{round, std::move(linked)});
  }
  auto result = poll_.result(now, limits_);
  if (result == peer_poll::outcome::open)
    return;
  poll_.cancel();
  if (result != peer_poll::outcome::outage)
    return; // the lease ends when it ends
  publish(poll_.asked_at() + limits_.lease, poll_.asked_at());
  if (now >= lease_until_ && !std::exchange(outage_, true))
    say(on_outage{true});
}

membership::actions membership::on_peer_answer(uint64_t round, const slot_node &peer, bool can,
                                               boot_time now) {
  if (over_)
    return {};
  fence(now);
  poll_.answered(round, peer, can);
  if (failing_ && poll_.is_running())
    poll(now);
  return done();
}

membership::actions membership::on_link(const slot_node &peer, link_health h, boot_time now) {
  if (over_)
    return {};
  fence(now);
  view_.link(peer, h);
  if (h == link_health::down)
    poll_.lost(peer);
  if (failing_ && poll_.is_running())
    poll(now);
  return done();
}

std::optional<bool> membership::can_renew(boot_time now) const {
  // Older than a lease: we were frozen or never asked.
  if (!last_attempt_ || now - last_attempt_->first > limits_.lease)
    return std::nullopt;
  return last_attempt_->second;
}

membership::actions membership::drain(boot_time now) {
  if (over_ || std::exchange(self_.draining, true))
    return {};
  next_renewal_ = now;
  if (told_view_)
    tell_view();
  return done();
}

// -- what is told when it changes ----

void membership::tell_view() {
  on_view v{view_.slots(), view_.peers()};
  if (!self_.draining)
    v.slots.insert(std::lower_bound(v.slots.begin(), v.slots.end(), self_.who), self_.who);
  if (told_view_ && told_view_->slots == v.slots && told_view_->peers == v.peers)
    return;
  told_view_ = v;
  say(std::move(v));
}

void membership::tell_ready() {
  on_ready r{false, ""};
  if (over_)
    r.word = "rejoining";
  else if (self_.draining)
    r.word = "draining";
  else if (held_by_other_)
    r.word = "waiting for the lease of this node's last start";
  else if (lease_until_ == boot_time{})
    r.word = failing_ ? "directory unavailable" : "starting";
  else if (fenced_)
    r.word = failing_ ? "fenced" : "waiting for the lease to be safe";
  else
    r = {true, outage_ ? "directory outage" : "ready"};
  if (r.ready == told_ready_.ready && r.word == told_ready_.word)
    return;
  told_ready_ = r;
  say(r);
}

} // namespace stentor
