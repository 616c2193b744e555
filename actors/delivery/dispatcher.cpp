// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/dispatcher.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds tick_length{100};
/// How much later than its timeout a verdict may be on its way to a session that moved on.
constexpr std::chrono::milliseconds moved_margin{1000};

} // namespace

dispatcher::dispatcher(const dispatcher_deps &deps)
    : host_{deps.host}, outbox_{deps.outbox}, sessions_{deps.sessions}, links_{deps.links},
      directory_{deps.directory}, ids_{static_cast<uint16_t>(host_.random()()), host_.random()()},
      correlations_{host_.lim().max_pending_verdicts}, flows_{host_.lim(), host_.random()()} {}

message_id dispatcher::next_id() {
  return ids_.next(host_.wall_now());
}

uint64_t dispatcher::open(pending_verdict entry) {
  auto correlation = correlations_.open(std::move(entry));
  keep_ticking();
  return correlation;
}

void dispatcher::submit(envelope_ptr e) {
  flows_.send(std::move(e), *this);
}

void dispatcher::on_resolved(const device_id &device, uint64_t ticket, const resolution &r) {
  flows_.on_resolved(device, ticket, r, *this);
}

void dispatcher::ask_for_state(const place &at, std::unique_ptr<items::hand_over> question) {
  outbox_.put(at, std::move(question));
}

void dispatcher::moved(const session_ref &from, const place &at, const session_ref &to) {
  // By whatever link there is then: the session is named by its node's incarnation and its own generation.
  // Nothing is owed longer than the longest timeout.
  heirs_.add(from, {{at.inc, 0, at.loop}, to, host_.now() + host_.lim().max_timeout + moved_margin});
  keep_ticking();
}

bool dispatcher::has_link(incarnation inc) const noexcept {
  return links_.is_up(inc);
}

void dispatcher::on_link_lost(incarnation inc) {
  // First the verdicts, then the flows: what waits in them was never sent there, and goes on.
  correlations_.lose(inc, [this](pending_verdict entry) { tell_unknown(std::move(entry)); });
  sessions_.for_each([inc](session_port &who) { who.on_link_lost(inc); });
  flows_.on_route_lost(inc, *this);
}

void dispatcher::give_up_all() {
  correlations_.close_all([this](pending_verdict entry) { tell_unknown(std::move(entry)); });
  sessions_.for_each([](session_port &who) { who.on_link_lost(std::nullopt); });
}

// -- the device's end ----

void dispatcher::finish(envelope_ptr e, outcome result) {
  if (e->answer_to.correlation == 0) {
    host_.counters().message(result.what, e->by, e->wants);
    return;
  }
  outbox_.put(e->answer_to.at, items::settle{e->answer_to.correlation, false, std::move(result)});
}

void dispatcher::note(const envelope &e, stage reached) {
  if (e.answer_to.correlation == 0)
    return;
  outcome news;
  news.at = reached;
  outbox_.put(e.answer_to.at, items::settle{e.answer_to.correlation, true, std::move(news)});
}

void dispatcher::send_back(const session_ref &ref, epoch ep, envelope_ptr e) {
  auto to = e->answer_to.at;
  outbox_.put(to, items::bounce{{host_.context().id, host_.context().inc, ref, ep}, std::move(e)});
}

// -- lane items ----

void dispatcher::handle(items::deliver &x) {
  auto *who = sessions_.find(x.to);
  if (!who || !who->takes_messages(x.ep)) {
    send_back(x.to, x.ep, std::move(x.what));
    return;
  }
  who->deliver(std::move(x.what), x.ep);
}

void dispatcher::handle(items::bounce &x) {
  if (auto *entry = correlations_.find(x.what->answer_to.correlation))
    entry->sent_to = 0;
  flows_.on_stale(std::move(x.what), x.refused, *this);
  keep_ticking();
}

void dispatcher::handle(items::marker &x) {
  if (x.returning) {
    flows_.on_marker(x.device, x.id, *this);
    return;
  }
  // Whatever the session took before this marker and could not write has been sent back by now, or never will
  // be.
  x.returning = true;
  auto to = x.sender;
  outbox_.put(to, std::move(x));
}

void dispatcher::handle(items::settle &x) {
  if (x.interim) {
    if (auto *entry = correlations_.find(x.correlation))
      entry->reached = std::max(entry->reached, x.result.at);
    return;
  }
  if (auto entry = correlations_.close(x.correlation))
    tell(std::move(*entry), std::move(x.result));
  else
    host_.counters().late_verdict();
}

void dispatcher::tell(pending_verdict entry, outcome result) {
  host_.counters().message(result.what, entry.by, entry.wants);
  if (result.by.ep != 0 && result.by.node.empty())
    result.by.node = host_.context().id;
  host_.counters().verdict_after(host_.now() - entry.accepted_at);
  auto total = std::chrono::duration_cast<std::chrono::microseconds>(host_.now() - entry.accepted_at);
  auto total_us = static_cast<uint32_t>(std::clamp<int64_t>(total.count(), 0, UINT32_MAX));
  if (auto *sink = sinks_[static_cast<size_t>(entry.who)]) {
    sink->on_outcome(entry.ticket, std::move(entry.id), result, total_us);
    return;
  }
  tell_session(entry.session, entry.message, owed_verdict{{}, std::move(result), total_us, nullptr});
}

void dispatcher::tell_unknown(pending_verdict entry) {
  outcome result;
  result.what = verdict::unreachable;
  result.at = entry.reached;
  tell(std::move(entry), std::move(result));
}

void dispatcher::tell_session(const session_ref &to, const message_id &message, owed_verdict what) {
  // First where it moved: the session that gave its state away may still wait for its connection's end. Where
  // there is no link to that node, it has told `unreachable` by itself.
  if (const auto *to_whom = heirs_.find(to))
    outbox_.put(to_whom->at,
                std::make_unique<items::owed>(items::owed{to_whom->session, std::move(what), message}));
  else if (auto *who = sessions_.find(to))
    who->on_verdict(message, std::move(what));
}

void dispatcher::settle_key(std::unique_ptr<items::settle_key> x) {
  if (const auto *to_whom = heirs_.find(x->to)) {
    auto at = to_whom->at;
    x->to = to_whom->session;
    outbox_.put(at, std::move(x));
  } else if (auto *who = sessions_.find(x->to)) {
    who->on_key_settled(*x);
  }
}

bool dispatcher::settle_moved_key(const session_ref &ref, const envelope &e, verdict v, epoch ep) {
  if (!heirs_.find(ref))
    return false;
  settle_key(std::make_unique<items::settle_key>(
      items::settle_key{ref, e.from_device(), e.key, v, via{host_.context().id, ep}}));
  return true;
}

void dispatcher::handle(std::unique_ptr<items::owed> &x) {
  tell_session(x->to, x->message, std::move(x->what));
}

void dispatcher::handle(std::unique_ptr<items::settle_key> &x) {
  settle_key(std::move(x));
}

void dispatcher::handle(std::unique_ptr<items::supersede> &x) {
  if (auto *who = sessions_.find(x->to))
    who->on_superseded(x->device, x->newer);
  auto to = x->sender;
  if (to.inc != 0)
    outbox_.put(to, std::make_unique<items::supersede_seen>(
                        items::supersede_seen{std::move(x->device), x->newer, host_.context().inc}));
}

void dispatcher::handle(std::unique_ptr<items::supersede_seen> &x) {
  directory_.on_supersede_seen(x->by, x->device, x->newer);
}

void dispatcher::handle(std::unique_ptr<items::route_lost> &x) {
  flows_.on_route_lost(x->device, x->inc, *this);
}

void dispatcher::handle(std::unique_ptr<items::hand_over> &x) {
  items::handed_over answer{x->requester, nullptr};
  if (auto *who = sessions_.find(x->to))
    answer.state = who->hand_over(*x);
  outbox_.put(x->from, std::move(answer));
}

void dispatcher::handle(items::handed_over &x) {
  if (auto *who = sessions_.find(x.to))
    who->on_handed_over(std::move(x.state));
}

// -- flow_host ----

void dispatcher::forward(const route &to, envelope_ptr e) {
  auto &ctx = host_.context();
  if (to.inc != ctx.inc) {
    forward_to_node(to, std::move(e));
    return;
  }
  auto loop = to.session.loop;
  if (loop >= ctx.cfg.loops) {
    settle(std::move(e), verdict::unreachable, stage::directory);
    return;
  }
  auto cost = e->cost();
  if (loop != host_.index() &&
      !ctx.credit(host_.index(), loop).take(cost, host_.lim().inbox_bytes, host_.lim().inbox_messages)) {
    host_.counters().overflow(queue::lane_bytes);
    settle(std::move(e), verdict::congested, stage::accepted);
    return;
  }
  e->reached = stage::sent;
  if (auto *entry = correlations_.find(e->answer_to.correlation))
    entry->reached = stage::sent;
  outbox_.put_data(loop, items::deliver{to.session, to.ep, std::move(e)}, cost);
}

void dispatcher::forward_to_node(const route &to, envelope_ptr e) {
  auto correlation = e->answer_to.correlation;
  items::deliver item{to.session, to.ep, std::move(e)};
  switch (links_.put_data(to, item)) {
  case links::taken::yes:
    if (auto *entry = correlations_.find(correlation)) {
      entry->reached = stage::sent;
      entry->sent_to = to.inc;
    }
    return;
  case links::taken::full:
    host_.counters().overflow(queue::link_bytes);
    settle(std::move(item.what), verdict::congested, stage::accepted);
    return;
  case links::taken::no_link:
    // Not from inside the flow: it hears of it later in this turn, and asks again with its next message.
    outbox_.put(host_.index(), std::make_unique<items::route_lost>(items::route_lost{item.what->to, to.inc}));
    settle(std::move(item.what), verdict::unreachable, stage::directory);
    return;
  }
}

void dispatcher::send_marker(const route &to, const device_id &device, uint64_t marker) {
  auto &ctx = host_.context();
  place me{0, 0, host_.index()};
  if (to.inc == ctx.inc && to.session.loop >= ctx.cfg.loops)
    outbox_.put(host_.index(), items::marker{to.session, device, marker, me, true});
  else // where there is no link, its end was told, or will be: the flow does not wait for ever
    outbox_.put(place{to.inc, 0, to.session.loop}, items::marker{to.session, device, marker, me, false});
}

void dispatcher::resolve(const device_id &device, uint64_t ticket) {
  directory_.resolve(device, ticket);
  keep_ticking();
}

void dispatcher::settle(envelope_ptr e, verdict v, stage at) {
  outcome result;
  result.what = v;
  result.at = at;
  // It did not arrive. But that the device is away is not known where its newer record may only not be back:
  // the one that led to a session that has gone was of before the outage.
  if (v == verdict::offline && host_.context().view->is_doubtful()) {
    result.what = verdict::unreachable;
    result.at = stage::directory;
  }
  finish(std::move(e), std::move(result));
}

// -- time ----

void dispatcher::keep_ticking() {
  if (!tick_.is_armed())
    host_.io().timers().schedule(tick_, host_.now() + tick_length);
}

void dispatcher::on_tick() {
  auto now = host_.now();
  // First what waits here (it knows why it waits), then what is known only by its number.
  flows_.expire(now, *this);
  correlations_.expire(now, [this](uint64_t, pending_verdict entry) { tell_unknown(std::move(entry)); });
  heirs_.expire(now);
  if (correlations_.size() > 0 || flows_.busy() > 0 || !heirs_.empty())
    keep_ticking();
}

} // namespace stentor::actors
