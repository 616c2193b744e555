// SPDX-License-Identifier: Apache-2.0
#include "actors/session/outbound.hpp"

namespace stentor::actors {

namespace {

/// Bytes a message frame adds to its payload, generously.
constexpr size_t frame_overhead = 256;
/// An idle device keeps no memory for a burst that passed.
constexpr size_t most_kept = 8;

outcome refusal(verdict v, const char *detail) {
  outcome result;
  result.what = v;
  result.at = stage::session;
  result.detail = detail;
  return result;
}

void reject(envelope_ptr e, verdict v, const char *detail, const session_turn &t) {
  t.services.messages.finish(std::move(e), refusal(v, detail));
}

/// The payload in the device's format. Views `e`, or `converted`; nothing if it cannot be represented.
std::optional<std::string_view> payload_for(const device_port &device, const envelope &e,
                                            std::string &converted) {
  if (e.data_format == device.encoding())
    return *e.data;
  auto image = net::transcode(e.data_format, device.encoding(), *e.data);
  if (!image)
    return std::nullopt;
  converted = std::move(*image);
  return converted;
}

std::string &encode_message(const envelope &e, std::string_view data, bool wants_ack, const session_turn &t) {
  auto id = to_chars(e.id);
  auto &frame = t.frame();
  net::encode(t.device->encoding(), frame,
              net::msg_frame{{id.data(), id.size()}, e.from_device().str(), data, wants_ack});
  return frame;
}

} // namespace

// -- before the device is live ----

void outbound::hold(envelope_ptr e, epoch by, const session_turn &t) {
  if (!held_)
    held_ = std::make_unique<held_messages>();
  if (held_->bytes + e->cost() > t.services.lim.max_cork_bytes ||
      held_->all.size() >= t.services.lim.max_cork_messages)
    return reject(std::move(e), verdict::congested, details::connecting, t);
  held_->bytes += e->cost();
  held_->all.emplace_back(by, std::move(e));
}

std::vector<outbound::held_message> outbound::take_held() {
  auto held = std::exchange(held_, nullptr);
  return held ? std::move(held->all) : std::vector<held_message>{};
}

void outbound::send_back_held(const session_turn &t) {
  for (auto &[by, e] : take_held())
    t.services.messages.send_back(t.ref, by, std::move(e));
}

// -- live ----

std::optional<outcome> outbound::objection(const envelope &e, ledger &book, const session_turn &t) const {
  if (e.arrived_at >= e.expires)
    return refusal(verdict::expired, nullptr);
  if (e.arrived_at >= e.deadline) // its sender was told `unreachable`, or will be
    return refusal(verdict::unreachable, nullptr);
  if (!may_target(e, t.me->account))
    return refusal(verdict::refused, details::other_account);
  if (e.key.empty())
    return std::nullopt;
  auto seen = book.begin_key(e, t.services.lim);
  switch (seen.what) {
  case key_state::fresh:
    break;
  case key_state::duplicate: {
    outcome result;
    result.what = verdict::duplicate;
    result.first = seen.first;
    result.by = seen.by;
    return result;
  }
  case key_state::in_progress:
    return refusal(verdict::duplicate, details::in_progress);
  case key_state::other_body:
    return refusal(verdict::invalid, details::other_body);
  case key_state::full:
    return refusal(verdict::congested, details::too_many_keys);
  }
  return std::nullopt;
}

void outbound::deliver(envelope_ptr e, ledger &book, const session_turn &t) {
  if (auto why = objection(*e, book, t)) {
    t.services.messages.finish(std::move(e), std::move(*why));
    return;
  }
  auto &device = *t.device;
  auto refuse = [&](verdict v, const char *detail) {
    book.settle_key(*e, v, t);
    reject(std::move(e), v, detail, t);
  };
  std::string converted;
  auto data = payload_for(device, *e, converted);
  if (!data)
    return refuse(verdict::invalid, details::not_representable);
  auto wants_ack = e->wants == want::acked;
  if (!device.has_room(data->size() + frame_overhead)) {
    // A cork that is filled in one turn meets the full kernel only when the turn ends, maybe with nothing
    // after it.
    device.watch_stall();
    return refuse(verdict::congested, details::too_slow);
  }
  if (wants_ack && !book.has_room(*e, e->arrived_at, t.services.lim))
    return refuse(verdict::congested, details::too_many_unacked);
  auto &frame = encode_message(*e, *data, wants_ack, t);
  if (frame.size() > t.services.lim.max_frame_bytes)
    return refuse(verdict::invalid, details::too_large);
  if (!device.send(frame, true)) {
    book.settle_key(*e, verdict::offline, t);
    t.services.messages.send_back(t.ref, t.ep, std::move(e));
    return;
  }
  e->reached = stage::session;
  book.reserve(*e);
  corked_.push_back(std::move(e));
}

void outbound::on_written(size_t count, ledger &book, const session_turn &t) {
  for (; count > 0 && written_ < corked_.size(); --count) {
    auto e = std::move(corked_[written_++]);
    // The key is spent: repeating it before the ack is told `written`, not that it is under way.
    book.settle_key(*e, verdict::written, t);
    if (e->wants == want::acked) {
      t.services.messages.note(*e, stage::written);
      e->reached = stage::written;
      book.await_ack(std::move(e));
      continue;
    }
    outcome result;
    result.what = verdict::written;
    result.by.ep = t.ep;
    result.target_us = static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(t.now - e->arrived_at).count());
    t.services.messages.finish(std::move(e), std::move(result));
  }
  if (written_ == corked_.size()) {
    written_ = 0;
    corked_.clear();
    if (corked_.capacity() > most_kept)
      corked_.shrink_to_fit();
  }
}

void outbound::redeliver(ledger &book, const session_turn &t) const {
  for (const auto *e : book.unconfirmed(t.now)) {
    // Written to the session before, with this device's rights of then; its sender learns that no ack came.
    if (!may_target(*e, t.me->account))
      continue;
    std::string converted;
    // What was written in the other format before and cannot be in this one: the same.
    if (auto data = payload_for(*t.device, *e, converted))
      t.device->send(encode_message(*e, *data, true, t), false);
  }
}

// -- the end ----

void outbound::send_back_last(size_t count, ledger &book, const session_turn &t) {
  auto first = corked_.size() - count;
  for (auto i = first; i < corked_.size(); ++i) {
    book.release(*corked_[i], verdict::offline, t);
    t.services.messages.send_back(t.ref, t.ep, std::move(corked_[i]));
  }
  corked_.resize(first);
}

void outbound::settle_last(size_t count, verdict v, ledger &book, const session_turn &t) {
  auto first = corked_.size() - count;
  for (auto i = first; i < corked_.size(); ++i) {
    book.release(*corked_[i], v, t);
    reject(std::move(corked_[i]), v, nullptr, t);
  }
  corked_.resize(first);
}

void outbound::settle_all(ledger &book, const session_turn &t) {
  settle_last(unwritten().size(), verdict::unreachable, book, t);
  for (auto &[by, e] : take_held())
    reject(std::move(e), verdict::unreachable, nullptr, t);
}

} // namespace stentor::actors
