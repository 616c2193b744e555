// SPDX-License-Identifier: Apache-2.0
// What a session sends its device: messages with their verdicts, verdicts of its own messages, events.
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session_services.hpp"
#include "actors/telemetry/log.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

/// Bytes a message frame adds to its payload, generously.
constexpr size_t frame_overhead = 256;

} // namespace

void session::deliver(envelope_ptr e, epoch ep) {
  count_handled();
  e->arrived_at = host().now();
  if (e->to != me_->device) {
    // A route to another device's session: a bug prevented, never a message misdelivered.
    host().counters().rejected("misrouted");
    services_.messages.send_back(ref_, ep, std::move(e));
    return;
  }
  if (mode_ == mode::binding || mode_ == mode::resuming) {
    hold(std::move(e), ep);
    return;
  }
  if (e->arrived_at >= e->expires)
    return reject(std::move(e), verdict::expired, nullptr);
  if (e->arrived_at >= e->deadline) // its sender was told `unreachable`, or will be
    return reject(std::move(e), verdict::unreachable, nullptr);
  if (!may_target(*e, me_->account))
    return reject(std::move(e), verdict::refused, details::other_account);
  if (!e->key.empty()) {
    auto seen = state_.keys.begin(e->from_device(), e->key, e->key_digest, e->arrived_at, host().lim());
    switch (seen.what) {
    case key_state::fresh:
      break;
    case key_state::duplicate: {
      outcome result;
      result.what = verdict::duplicate;
      result.first = seen.first;
      result.by = seen.by;
      services_.messages.finish(std::move(e), std::move(result));
      return;
    }
    case key_state::in_progress:
      return reject(std::move(e), verdict::duplicate, details::in_progress);
    case key_state::other_body:
      return reject(std::move(e), verdict::invalid, details::other_body);
    case key_state::full:
      return reject(std::move(e), verdict::congested, details::too_many_keys);
    }
  }
  auto refuse = [&](verdict v, const char *detail) {
    settle_key(*e, v);
    reject(std::move(e), v, detail);
  };
  std::string converted;
  std::string_view data{*e->data};
  if (e->data_format != link_->encoding()) {
    auto image = net::transcode(e->data_format, link_->encoding(), data);
    if (!image)
      return refuse(verdict::invalid, details::not_representable);
    converted = std::move(*image);
    data = converted;
  }
  auto wants_ack = e->wants == want::acked;
  if (!link_->has_room(data.size() + frame_overhead)) {
    // A cork that is filled in one turn meets the full kernel only when the turn ends, maybe with nothing
    // after it.
    link_->watch_stall();
    return refuse(verdict::congested, details::too_slow);
  }
  if (wants_ack && !state_.unconfirmed.has_room(*e, e->arrived_at, host().lim()))
    return refuse(verdict::congested, details::too_many_unacked);
  auto id = to_chars(e->id);
  auto &frame = host().scratch();
  net::encode(link_->encoding(), frame,
              net::msg_frame{{id.data(), id.size()}, e->from_device().str(), data, wants_ack});
  if (frame.size() > host().lim().max_frame_bytes)
    return refuse(verdict::invalid, details::too_large);
  if (!link_->send(frame, true)) {
    settle_key(*e, verdict::offline);
    services_.messages.send_back(ref_, epoch_, std::move(e));
    return;
  }
  e->reached = stage::session;
  if (wants_ack)
    state_.unconfirmed.reserve(*e);
  in_flight_.push_back(std::move(e));
}

void session::hold(envelope_ptr e, epoch ep) {
  if (early_->held_bytes + e->cost() > host().lim().max_cork_bytes ||
      early_->held.size() >= host().lim().max_cork_messages)
    return reject(std::move(e), verdict::congested, details::connecting);
  early_->held_bytes += e->cost();
  early_->held.emplace_back(ep, std::move(e));
}

void session::send_back_held() {
  if (!early_)
    return;
  for (auto &[ep, e] : std::exchange(early_->held, {}))
    services_.messages.send_back(ref_, ep, std::move(e));
}

void session::on_frames_written(size_t count) {
  auto now = host().now();
  for (; count > 0 && written_ < in_flight_.size(); --count) {
    auto e = std::move(in_flight_[written_++]);
    if (e->wants == want::acked) {
      // The key is spent: repeating it before the ack is told `written`, not that it is under way.
      settle_key(*e, verdict::written);
      services_.messages.note(*e, stage::written);
      e->reached = stage::written;
      state_.unconfirmed.add(std::move(e));
      continue;
    }
    settle_key(*e, verdict::written);
    outcome result;
    result.what = verdict::written;
    result.by.ep = epoch_;
    result.target_us = static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - e->arrived_at).count());
    services_.messages.finish(std::move(e), std::move(result));
  }
  if (written_ == in_flight_.size()) {
    written_ = 0;
    in_flight_.clear();
    // An idle device keeps no memory for a burst that passed.
    if (in_flight_.capacity() > 8)
      in_flight_.shrink_to_fit();
  }
}

void session::redeliver() {
  auto now = host().now();
  for (auto *e : state_.unconfirmed.in_order(now)) {
    // Written to the session before, with this device's rights of then; its sender learns that no ack came.
    if (!may_target(*e, me_->account))
      continue;
    std::string converted;
    std::string_view data{*e->data};
    if (e->data_format != link_->encoding()) {
      auto image = net::transcode(e->data_format, link_->encoding(), data);
      if (!image)
        continue; // it was written in the other format before; its sender learns that no ack came
      converted = std::move(*image);
      data = converted;
    }
    auto id = to_chars(e->id);
    auto &frame = host().scratch();
    net::encode(link_->encoding(), frame,
                net::msg_frame{{id.data(), id.size()}, e->from_device().str(), data, true});
    link_->send(frame, false);
  }
}

// -- messages that go no further ----

void session::settle_key(const envelope &e, verdict v) {
  if (e.key.empty())
    return;
  if (!services_.messages.settle_moved_key(ref_, e, v, epoch_))
    state_.keys.settle(e.from_device(), e.key, v, via{host().context().id, epoch_});
}

void session::reject(envelope_ptr e, verdict v, const char *detail) {
  outcome result;
  result.what = v;
  result.at = stage::session;
  result.detail = detail;
  services_.messages.finish(std::move(e), std::move(result));
}

void session::give_up(const envelope &e, verdict v) {
  settle_key(e, v);
  if (e.wants == want::acked)
    state_.unconfirmed.unreserve(e);
}

void session::send_back_last(size_t count) {
  auto first = in_flight_.size() - count;
  for (auto i = first; i < in_flight_.size(); ++i) {
    give_up(*in_flight_[i], verdict::offline);
    services_.messages.send_back(ref_, epoch_, std::move(in_flight_[i]));
  }
  in_flight_.resize(first);
}

void session::settle_last(size_t count, verdict v) {
  auto first = in_flight_.size() - count;
  for (auto i = first; i < in_flight_.size(); ++i) {
    give_up(*in_flight_[i], v);
    reject(std::move(in_flight_[i]), v, nullptr);
  }
  in_flight_.resize(first);
}

void session::settle_all() {
  settle_last(in_flight_.size() - written_, verdict::unreachable);
  if (early_)
    for (auto &[ep, e] : std::exchange(early_->held, {}))
      reject(std::move(e), verdict::unreachable, nullptr);
  settle_unconfirmed(state_);
}

void session::settle_unconfirmed(session_state &state) {
  for (auto &e : state.unconfirmed.take_all()) {
    outcome result;
    result.what = verdict::unreachable;
    result.at = stage::written;
    services_.messages.finish(std::move(e), std::move(result));
  }
}

// -- verdicts and events for the device ----

void session::on_verdict(const message_id &message, owed_verdict what) {
  auto open = state_.open.close(message);
  if (!open) {
    host().counters().late_verdict();
    return;
  }
  if (!is_wanted(open->wants, what.result.what))
    return;
  what.id = std::move(open->client_id);
  say(std::move(what));
}

void session::on_link_lost(std::optional<incarnation> inc) {
  auto keep = self();
  say_unknown(state_.open.take_inherited([&](const open_message &x) { return !inc || x.told_by == *inc; }));
}

void session::give_up_unlinked() {
  auto &links = services_.links;
  say_unknown(
      state_.open.take_inherited([&links](const open_message &x) { return !links.is_up(x.told_by); }));
}

void session::say_unknown(std::vector<open_message> which) {
  for (auto &x : which) {
    auto total = std::chrono::duration_cast<std::chrono::microseconds>(host().now() - x.accepted_at);
    owed_verdict
        unknown; // how far it came is known where it was sent from, so no more than that it was taken
    unknown.id = std::move(x.client_id);
    unknown.total_us = static_cast<uint32_t>(std::clamp<int64_t>(total.count(), 0, UINT32_MAX));
    say(std::move(unknown));
  }
}

void session::say(owed_verdict what) {
  // A connection that has begun to close takes no frame any more, though its session is live until it has
  // ended.
  if (mode_ != mode::live || !link_->is_usable()) {
    if (mode_ == mode::ended)
      return;
    if (state_.owed.size() >= session_state::max_owed)
      state_.owed.erase(state_.owed.begin());
    state_.owed.push_back(std::move(what));
    return;
  }
  auto &frame = host().scratch();
  std::vector<net::device_verdict> rows;
  net::verdict_frame verdict;
  verdict.id = what.id;
  verdict.total_us = what.total_us;
  if (what.copies) {
    rows.reserve(what.copies->size());
    for (auto &copy : *what.copies)
      rows.push_back({copy.device, copy.result});
    verdict.devices = rows;
    verdict.to_account = true;
  } else {
    verdict.target_us = what.result.target_us;
  }
  verdict.result = std::move(what.result);
  net::encode(link_->encoding(), frame, verdict);
  send_or_close(frame);
}

void session::on_event(const storage::event &event) {
  if (mode_ != mode::live || !watching_)
    return;
  auto &frame = host().scratch();
  auto kind = event.kind == storage::event_kind::online ? net::event_frame::kind::online
                                                        : net::event_frame::kind::offline;
  net::encode(link_->encoding(), frame, net::event_frame{kind, event.device.str(), event.ep, {}});
  send_or_close(frame);
}

void session::on_resync() {
  if (mode_ != mode::live || !watching_)
    return;
  services_.directory.list_present(
      me_->account, [&here = services_, ref = ref_](caf::expected<std::vector<storage::record>> found) {
        auto *who = static_cast<session *>(here.sessions.find(ref));
        if (!who)
          return;
        if (!found) { // without it the watcher would believe for ever what it missed the end of
          here.directory.resync_again(ref);
          return;
        }
        std::vector<std::string_view> names;
        for (auto &record : *found)
          names.push_back(record.device.str());
        who->tell_resync(names);
      });
}

void session::tell_resync(std::span<const std::string_view> devices) {
  if (mode_ != mode::live)
    return;
  auto &frame = host().scratch();
  net::encode(link_->encoding(), frame, net::event_frame{net::event_frame::kind::resync, {}, 0, devices});
  send_or_close(frame);
}

void session::send_or_close(std::string_view frame) {
  // These frames are promised: a device that has no room left for them is cut off rather than left in the
  // dark.
  if (!link_->has_room(frame.size())) {
    leave(net::close_code::slow, "slow", "this device does not read what it is sent");
    return;
  }
  link_->send(frame, false);
}

} // namespace stentor::actors
