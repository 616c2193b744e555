// SPDX-License-Identifier: Apache-2.0
#include "actors/session/inbound.hpp"

#include "actors/telemetry/metrics.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace stentor::actors {

namespace {

/// A client that sends this many bad frames on one connection is broken: it must be fixed, not try again.
constexpr uint8_t max_bad_frames = 10;
constexpr size_t max_early_frames = 64;

void refuse(const net::client_frame &frame, verdict v, const char *detail, ledger &book, session_turn &t) {
  t.services.counters.message(v, source::device, frame.wants);
  if (!is_wanted(frame.wants, v))
    return;
  owed_verdict refused;
  refused.id = frame.id;
  refused.result.what = v;
  refused.result.detail = detail;
  book.tell(std::move(refused), t);
}

/// The message in `frame`, but for its id and its target.
envelope_ptr envelope_of(const net::client_frame &frame, const session_turn &t) {
  auto &lim = t.services.lim;
  auto e = std::make_unique<envelope>();
  e->from = t.me;
  e->data = std::make_shared<const std::string>(frame.data);
  e->data_format = t.device->encoding();
  e->wants = frame.wants;
  e->accepted_at = t.now;
  auto timeout = frame.timeout_ms ? std::chrono::milliseconds{*frame.timeout_ms} : lim.default_timeout;
  e->deadline = t.now + std::min(timeout, lim.max_timeout);
  e->expires = frame.ttl_ms ? t.now + std::chrono::milliseconds{*frame.ttl_ms} : time_point::max();
  e->answer_to.at.loop = t.ref.loop;
  if (!frame.key.empty()) {
    e->key = frame.key;
    e->key_digest = XXH3_64bits(frame.data.data(), frame.data.size());
  }
  return e;
}

void send_to_account(const net::client_frame &frame, ledger &book, session_turn &t) {
  auto pattern = envelope_of(frame, t);
  auto account = account_id::trusted(std::string{frame.to_account});
  if (!may_target(*pattern, account))
    return refuse(frame, verdict::refused, details::other_account, book, t);
  // Not of any copy: these get their own.
  pattern->id = t.services.messages.next_id();
  if (frame.wants != want::none) {
    if (book.is_full())
      return refuse(frame, verdict::congested, details::too_many_pending, book, t);
    book.open({pattern->id, std::string{frame.id}, frame.wants, pattern->accepted_at, pattern->deadline});
  }
  auto except = frame.except_me ? t.me->device : device_id{};
  t.services.accounts.submit(std::move(*pattern), account, except, t.ref);
}

} // namespace

void tell_error(errc code, std::string_view message, std::string_view id, session_turn &t) {
  t.promise(net::error_frame{net::code_name(code), message, id});
}

// -- before the welcome ----

bool inbound::keep(std::span<const char> body, const limits &lim) {
  if (early_->all.size() >= max_early_frames || early_->bytes + body.size() > lim.max_frame_bytes)
    return false;
  early_->bytes += body.size();
  early_->all.emplace_back(body.data(), body.size());
  return true;
}

std::vector<std::string> inbound::take_early() {
  auto kept = std::exchange(early_, nullptr);
  return kept ? std::move(kept->all) : std::vector<std::string>{};
}

// -- frames ----

inbound::reading inbound::read(std::span<const char> body, net::client_frame &frame, std::string &text,
                               session_turn &t) {
  net::frame_refusal refusal;
  if (t.services.codec.decode(t.device->encoding(), body, frame, refusal))
    return reading::good;
  t.services.counters.rejected(refusal.unparsable ? "malformed" : "bad_frame");
  if (!t.live)
    return reading::bad;
  tell_error(refusal.code, refusal.message, refusal.id, t);
  if (!refusal.unparsable && ++bad_frames_ < max_bad_frames)
    return reading::bad;
  text = std::move(refusal.message);
  return reading::broken;
}

bool inbound::admit(const net::client_frame &frame, ledger &book, session_turn &t) {
  auto &lim = t.services.lim;
  if (rate_.take(t.now, lim.message_rate, lim.message_burst))
    return true;
  t.services.counters.rejected("rate");
  if (frame.type == net::client_frame::kind::send)
    refuse(frame, verdict::limited, nullptr, book, t);
  else
    tell_error(errc::overloaded, "this device sends too many messages per second", {}, t);
  return false;
}

void inbound::send(const net::client_frame &frame, ledger &book, session_turn &t) const {
  if (!frame.to_account.empty())
    return send_to_account(frame, book, t);
  auto e = envelope_of(frame, t);
  e->id = t.services.messages.next_id();
  e->to = device_id::trusted(std::string{frame.to_device});
  if (frame.wants != want::none) {
    pending_verdict entry{asker::session, frame.wants, source::device, stage::accepted, t.ref, 0, {},
                          t.now,          e->deadline};
    entry.message = e->id;
    e->answer_to.correlation = book.is_full() ? 0 : t.services.messages.open(std::move(entry));
    if (e->answer_to.correlation == 0)
      return refuse(frame, verdict::congested, details::too_many_pending, book, t);
    book.open({e->id, std::string{frame.id}, frame.wants, t.now, e->deadline});
  }
  t.services.messages.submit(std::move(e));
}

void inbound::ack(std::string_view text, ledger &book, const session_turn &t) const {
  auto id = message_id_from(text);
  auto e = id ? book.take_acked(*id) : nullptr;
  if (!e) {
    t.services.counters.rejected("unknown_ack");
    return;
  }
  book.settle_key(*e, verdict::acked, t);
  outcome result;
  result.what = verdict::acked;
  result.by.ep = t.ep;
  result.target_us = static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(t.now - e->arrived_at).count());
  t.services.messages.finish(std::move(e), std::move(result));
}

} // namespace stentor::actors
