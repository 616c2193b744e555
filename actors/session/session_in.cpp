// SPDX-License-Identifier: Apache-2.0
// What a device sends its session: messages, acks, questions, fresh tokens.
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

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace stentor::actors {

namespace {

/// A client that sends this many bad frames on one connection is broken: it is told to mend, not to try
/// again.
constexpr uint8_t max_bad_frames = 10;
constexpr size_t max_early_frames = 64;

} // namespace

void session::on_frame(std::span<char> body) {
  count_handled();
  if (early_) {
    if (early_->frames.size() >= max_early_frames ||
        early_->frame_bytes + body.size() > host().lim().max_frame_bytes) {
      host().counters().rejected("before_welcome");
      leave(net::close_code::policy, "policy", "too much was sent before the welcome");
      return;
    }
    early_->frame_bytes += body.size();
    early_->frames.emplace_back(body.data(), body.size());
    return;
  }
  // Acks are heard until the connection's end: they make verdicts true. Everything else of a session that
  // leaves is not.
  net::client_frame frame;
  net::frame_refusal refusal;
  if (!services_.codec.decode(link_->encoding(), body, frame, refusal)) {
    host().counters().rejected(refusal.unparsable ? "malformed" : "bad_frame");
    if (mode_ != mode::live)
      return;
    tell_error(refusal.code, refusal.message, refusal.id);
    if (refusal.unparsable || ++bad_frames_ >= max_bad_frames)
      leave(net::close_code::malformed, "malformed", refusal.message);
    return;
  }
  if (frame.type == net::client_frame::kind::ack) {
    on_ack(frame.id);
    return;
  }
  if (mode_ != mode::live)
    return;
  if (frame.type == net::client_frame::kind::auth) {
    on_auth(frame.token);
    return;
  }
  auto &lim = host().lim();
  if (!rate_.take(host().now(), lim.message_rate, lim.message_burst)) {
    host().counters().rejected("rate");
    if (frame.type == net::client_frame::kind::send) {
      refuse_send(frame, verdict::limited, nullptr);
    } else {
      tell_error(errc::overloaded, "over this device's rate", {});
    }
    return;
  }
  switch (frame.type) {
  case net::client_frame::kind::send:
    on_send(frame);
    return;
  case net::client_frame::kind::devices:
    on_devices();
    return;
  case net::client_frame::kind::watch:
    on_watch(true);
    return;
  case net::client_frame::kind::unwatch:
    on_watch(false);
    return;
  case net::client_frame::kind::ack:
  case net::client_frame::kind::auth:
    return;
  }
}

// -- messages ----

void session::refuse_send(const net::client_frame &frame, verdict v, const char *detail) {
  host().counters().message(v, source::device, frame.wants);
  if (!is_wanted(frame.wants, v))
    return;
  owed_verdict said{std::string{frame.id}, {}, 0, nullptr};
  said.result.what = v;
  said.result.detail = detail;
  say(std::move(said));
}

void session::on_send(const net::client_frame &frame) {
  auto &lim = host().lim();
  auto now = host().now();
  auto e = std::make_unique<envelope>();
  e->from = me_;
  e->data = std::make_shared<const std::string>(frame.data);
  e->data_format = link_->encoding();
  e->wants = frame.wants;
  e->accepted_at = now;
  auto timeout = frame.timeout_ms ? std::chrono::milliseconds{*frame.timeout_ms} : lim.default_timeout;
  e->deadline = now + std::min(timeout, lim.max_timeout);
  e->expires = frame.ttl_ms ? now + std::chrono::milliseconds{*frame.ttl_ms} : time_point::max();
  e->answer_to.at.loop = host().index();
  if (!frame.key.empty()) {
    e->key = frame.key;
    e->key_digest = XXH3_64bits(frame.data.data(), frame.data.size());
  }
  if (!frame.to_account.empty()) {
    send_to_account(frame, std::move(*e));
    return;
  }
  e->id = services_.messages.next_id();
  e->to = device_id::trusted(std::string{frame.to_device});
  if (frame.wants != want::none) {
    pending_verdict entry{asker::session, frame.wants, source::device, stage::accepted, ref_, 0, {}, now,
                          e->deadline};
    entry.message = e->id;
    e->answer_to.correlation = state_.open.is_full() ? 0 : services_.messages.open(std::move(entry));
    if (e->answer_to.correlation == 0) {
      refuse_send(frame, verdict::congested, details::too_many_pending);
      return;
    }
    state_.open.add({e->id, std::string{frame.id}, frame.wants, now, e->deadline});
  }
  services_.messages.submit(std::move(e));
}

void session::send_to_account(const net::client_frame &frame, envelope pattern) {
  auto account = account_id::trusted(std::string{frame.to_account});
  if (!may_target(pattern, account)) {
    refuse_send(frame, verdict::refused, details::other_account);
    return;
  }
  // Not of any copy: these get their own.
  pattern.id = services_.messages.next_id();
  if (frame.wants != want::none) {
    if (state_.open.is_full()) {
      refuse_send(frame, verdict::congested, details::too_many_pending);
      return;
    }
    state_.open.add({pattern.id, std::string{frame.id}, frame.wants, pattern.accepted_at, pattern.deadline});
  }
  auto except = frame.except_me ? me_->device : device_id{};
  auto patience = pattern.deadline - host().now();
  auto on_listed = [&here = services_, &env = host(), ref = ref_, pattern = std::move(pattern),
                    except](caf::expected<std::vector<storage::record>> found) {
    if (found) {
      here.fanouts.send(pattern, *found, except, ref);
      return;
    }
    env.counters().message(verdict::unreachable, pattern.by, pattern.wants);
    if (pattern.wants == want::none)
      return;
    // Without a list of devices: an empty one would say that nobody is online.
    owed_verdict unknown;
    unknown.result.at = stage::directory;
    here.messages.tell_session(ref, pattern.id, std::move(unknown));
  };
  services_.directory.list(account, std::move(on_listed), patience);
}

void session::on_ack(std::string_view text) {
  auto id = message_id_from(text);
  auto e = id ? state_.unconfirmed.ack(*id) : nullptr;
  if (!e) {
    host().counters().rejected("unknown_ack");
    return;
  }
  settle_key(*e, verdict::acked);
  outcome result;
  result.what = verdict::acked;
  result.by.ep = epoch_;
  result.target_us = static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(host().now() - e->arrived_at).count());
  services_.messages.finish(std::move(e), std::move(result));
}

// -- questions ----

void session::on_devices() {
  services_.directory.list(
      me_->account, [&here = services_, ref = ref_](caf::expected<std::vector<storage::record>> found) {
        auto *who = static_cast<session *>(here.sessions.find(ref));
        if (who)
          who->tell_devices(found);
      });
}

void session::tell_devices(const caf::expected<std::vector<storage::record>> &found) {
  if (mode_ != mode::live)
    return;
  if (!found) {
    tell_error(errc::unavailable, describe(errc::unavailable), {});
    return;
  }
  std::vector<std::string_view> names;
  names.reserve(found->size());
  for (auto &record : *found)
    names.push_back(record.device.str());
  auto &frame = host().scratch();
  net::encode_devices(link_->encoding(), frame, names);
  send_or_close(frame);
}

void session::on_watch(bool on) {
  if (on == watching_)
    return;
  watching_ = on;
  if (!on) {
    services_.directory.unwatch(me_->account, ref_);
    return;
  }
  services_.directory.watch(me_->account, ref_, [&here = services_, ref = ref_](errc refused) {
    auto *who = static_cast<session *>(here.sessions.find(ref));
    if (who && refused != errc::none)
      who->on_watch_refused(refused);
  });
}

void session::on_watch_refused(errc why) {
  if (!watching_)
    return;
  watching_ = false;
  // The router may have it all the same: by this watch, or by a later one that this answer is not about.
  services_.directory.unwatch(me_->account, ref_);
  if (mode_ == mode::live)
    tell_error(why,
               why == errc::overloaded ? "too many devices of this account watch already"
                                       : "the directory does not answer, ask again later",
               {});
}

void session::on_auth(std::string_view token) {
  const char *why = "malformed";
  auto who = identity_of_token(host().context(), token, why);
  if (who && refresh(std::move(*who)))
    return;
  host().counters().auth_failure(who ? "claims" : why);
  // The old token still holds: a bad refresh costs the device nothing but this answer.
  tell_error(errc::token_refused, describe(errc::token_refused), {});
}

void session::tell_error(errc code, std::string_view message, std::string_view id) {
  auto &frame = host().scratch();
  net::encode(link_->encoding(), frame, net::error_frame{net::code_name(code), message, id});
  send_or_close(frame);
}

} // namespace stentor::actors
