// SPDX-License-Identifier: Apache-2.0
#include "cluster/flow.hpp"

#include <algorithm>

namespace stentor {

namespace {

/// When `e` ends while it waits.
time_point due_of(const envelope &e) noexcept {
  return std::min(e.expires, e.deadline);
}

/// Incarnations name their node: its text need not be compared.
bool is_same(const route &a, const route &b) noexcept {
  return a.inc == b.inc && a.session == b.session && a.ep == b.ep;
}

} // namespace

// -- events ----

void flow::on_resolved(uint64_t ticket, const resolution &r, flow_host &host) {
  if (mode_ != mode::unresolved || ticket != number_)
    return;
  switch (r.what) {
  case resolution::kind::found:
    go_direct(r.at, host);
    return;
  case resolution::kind::none:
    mode_ = mode::idle;
    settle_all(verdict::offline, true, host);
    return;
  case resolution::kind::unknown:
    mode_ = mode::idle;
    settle_all(verdict::unreachable, true, host);
    return;
  }
}

void flow::on_stale(envelope_ptr e, const route &refused_by, flow_host &host) {
  // In idle and unresolved every message of the flow is back already: a straggler would overtake.
  auto in_order = (mode_ == mode::direct || mode_ == mode::turning) && is_same(refused_by, route_);
  if (in_order && mode_ == mode::direct) {
    mode_ = mode::turning;
    host.send_marker(route_, device_, ++number_);
  }
  if (!in_order || e->resent) {
    host.settle(std::move(e), verdict::offline, stage::sent);
    return;
  }
  auto &h = held();
  h.due = std::min(h.due, due_of(*e));
  h.bounced_bytes += e->cost();
  h.bounced.push_back(std::move(e));
}

void flow::on_marker(uint64_t marker, flow_host &host) {
  if (mode_ != mode::turning || marker != number_)
    return;
  if (held_)
    ask(host);
  else
    mode_ = mode::idle;
}

void flow::on_route_lost(incarnation inc, flow_host &host) {
  if ((mode_ != mode::direct && mode_ != mode::turning) || route_.inc != inc)
    return;
  if (held_)
    ask(host);
  else
    mode_ = mode::idle;
}

void flow::learn(const route &at, flow_host &host) {
  if ((mode_ == mode::idle || mode_ == mode::unresolved) && at.ep > route_.ep)
    go_direct(at, host);
}

void flow::expire(time_point now, flow_host &host) {
  if (!held_ || now < held_->due)
    return;
  held_->due = time_point::max();
  expire(held_->bounced, held_->bounced_bytes, held_->due, now, host);
  expire(held_->fresh, held_->fresh_bytes, held_->due, now, host);
  if (held_->bounced.empty() && held_->fresh.empty())
    held_.reset();
}

void flow::abandon(flow_host &host) {
  mode_ = mode::idle;
  settle_all(verdict::unreachable, false, host);
}

// -- steps ----

void flow::hold(envelope_ptr e, const limits &lim, flow_host &host) {
  e->reached = stage::directory;
  auto cost = e->cost();
  if (held_ &&
      (held_->fresh.size() >= lim.max_flow_messages || held_->fresh_bytes + cost > lim.max_flow_bytes)) {
    host.settle(std::move(e), verdict::congested, stage::directory);
    return;
  }
  auto &h = held();
  h.due = std::min(h.due, due_of(*e));
  h.fresh_bytes += cost;
  h.fresh.push_back(std::move(e));
  if (mode_ == mode::idle)
    ask(host);
}

flow::queues &flow::held() {
  if (!held_)
    held_ = std::make_unique<queues>();
  return *held_;
}

void flow::ask(flow_host &host) {
  mode_ = mode::unresolved;
  host.resolve(device_, ++number_);
}

void flow::go_direct(const route &at, flow_host &host) {
  mode_ = mode::direct;
  route_ = at;
  auto all = std::move(held_);
  if (!all)
    return;
  for (auto &e : all->bounced) {
    e->resent = true;
    forward(std::move(e), host);
  }
  for (auto &e : all->fresh)
    forward(std::move(e), host);
}

void flow::settle_all(verdict v, bool at_directory, flow_host &host) {
  auto all = std::move(held_);
  if (!all)
    return;
  for (auto *list : {&all->bounced, &all->fresh})
    for (auto &e : *list) {
      auto at = at_directory ? stage::directory : e->reached;
      host.settle(std::move(e), v, at);
    }
}

void flow::expire(std::vector<envelope_ptr> &list, size_t &bytes, time_point &due, time_point now,
                  flow_host &host) {
  size_t kept = 0;
  for (auto &e : list) {
    if (due_of(*e) > now) {
      due = std::min(due, due_of(*e));
      // Never onto itself: a self-move would drop the message.
      if (&list[kept] != &e)
        list[kept] = std::move(e);
      ++kept;
      continue;
    }
    bytes -= e->cost();
    auto what = e->expires <= e->deadline ? verdict::expired : verdict::unreachable;
    auto at = e->reached;
    host.settle(std::move(e), what, at);
  }
  list.resize(kept);
}

} // namespace stentor
