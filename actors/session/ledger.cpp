// SPDX-License-Identifier: Apache-2.0
#include "actors/session/ledger.hpp"

#include "actors/telemetry/metrics.hpp"

#include <algorithm>
#include <utility>

namespace stentor::actors {

namespace {

void settle_all(unacked &unconfirmed, const session_turn &t) {
  for (auto &e : unconfirmed.take_all()) {
    outcome result;
    result.what = verdict::unreachable;
    result.at = stage::written;
    t.services.messages.finish(std::move(e), std::move(result));
  }
}

} // namespace

// -- messages for the device ----

key_answer ledger::begin_key(const envelope &e, const limits &lim) {
  return state_.keys.begin(e.from_device(), e.key, e.key_digest, e.arrived_at, lim);
}

void ledger::settle_key(const envelope &e, verdict v, const session_turn &t) {
  if (e.key.empty())
    return;
  if (!t.services.messages.settle_moved_key(t.ref, e, v, t.ep))
    state_.keys.settle(e.from_device(), e.key, v, via{t.services.node, t.ep});
}

void ledger::settle_key(const items::settle_key &x) {
  state_.keys.settle(x.from, x.key, x.what, x.by);
}

bool ledger::has_room(const envelope &e, time_point now, const limits &lim) {
  return state_.unconfirmed.has_room(e, now, lim);
}

void ledger::reserve(const envelope &e) noexcept {
  if (e.wants == want::acked)
    state_.unconfirmed.reserve(e);
}

void ledger::release(const envelope &e, verdict v, const session_turn &t) {
  settle_key(e, v, t);
  if (e.wants == want::acked)
    state_.unconfirmed.unreserve(e);
}

void ledger::await_ack(envelope_ptr e) {
  state_.unconfirmed.add(std::move(e));
}

envelope_ptr ledger::take_acked(const message_id &id) {
  return state_.unconfirmed.ack(id);
}

std::vector<const envelope *> ledger::unconfirmed(time_point now) {
  return state_.unconfirmed.in_order(now);
}

void ledger::settle_unconfirmed(const session_turn &t) {
  settle_all(state_.unconfirmed, t);
}

// -- messages of the device ----

void ledger::on_verdict(const message_id &message, owed_verdict &&what, session_turn &t) {
  auto open = state_.open.close(message);
  if (!open) {
    t.services.counters.late_verdict();
    return;
  }
  if (!is_wanted(open->wants, what.result.what))
    return;
  what.id = std::move(open->client_id);
  tell(std::move(what), t);
}

void ledger::tell(owed_verdict &&what, session_turn &t) {
  if (!t.can_send()) {
    if (state_.owed.size() >= session_state::max_owed)
      state_.owed.erase(state_.owed.begin());
    state_.owed.push_back(std::move(what));
    return;
  }
  std::vector<net::device_verdict> rows;
  net::verdict_frame frame;
  frame.id = what.id;
  frame.total_us = what.total_us;
  if (what.copies) {
    rows.reserve(what.copies->size());
    for (auto &copy : *what.copies)
      rows.push_back({copy.device, copy.result});
    frame.devices = rows;
    frame.to_account = true;
  } else {
    frame.target_us = what.result.target_us;
  }
  frame.result = std::move(what.result);
  t.promise(frame);
}

void ledger::tell_owed(session_turn &t) {
  for (auto &x : std::exchange(state_.owed, {}))
    tell(std::move(x), t);
}

void ledger::on_link_lost(std::optional<incarnation> inc, session_turn &t) {
  tell_unknown(state_.open.take_inherited([&](const open_message &x) { return !inc || x.told_by == *inc; }),
               t);
}

void ledger::give_up_unlinked(session_turn &t) {
  auto &links = t.services.messages;
  tell_unknown(state_.open.take_inherited([&](const open_message &x) { return !links.has_link(x.told_by); }),
               t);
}

void ledger::give_up_overdue(session_turn &t) {
  tell_unknown(state_.open.take_overdue(t.now), t);
}

void ledger::tell_unknown(std::vector<open_message> which, session_turn &t) {
  for (auto &x : which) {
    auto total = std::chrono::duration_cast<std::chrono::microseconds>(t.now - x.accepted_at);
    // How far it came is known where it was sent from: here no more than that it was accepted.
    owed_verdict unknown;
    unknown.id = std::move(x.client_id);
    unknown.total_us = static_cast<uint32_t>(std::clamp<int64_t>(total.count(), 0, UINT32_MAX));
    tell(std::move(unknown), t);
  }
}

// -- hand-over ----

std::unique_ptr<session_state> ledger::give(std::span<const envelope_ptr> unwritten) {
  for (auto &e : unwritten)
    if (e->wants == want::acked)
      state_.unconfirmed.unreserve(*e);
  auto given = std::make_unique<session_state>(std::move(state_));
  state_ = {};
  for (auto &e : unwritten)
    reserve(*e);
  return given;
}

void ledger::take_late(session_state state, session_turn &t) {
  for (auto &x : state.owed)
    tell(std::move(x), t);
  settle_all(state.unconfirmed, t);
  tell_unknown(state_.open.adopt(std::move(state.open)), t);
  give_up_unlinked(t);
}

} // namespace stentor::actors
