// SPDX-License-Identifier: Apache-2.0
// Where a message's way meets its ends: the session that takes it, whoever waits for its verdict, and the
// directory that knows where its device is. Implemented above and beside this room, wired by the loop.
// Confined to the loop.
#pragma once

#include "actors/core/admin_types.hpp"
#include "actors/core/ports.hpp"
#include "actors/core/types.hpp"
#include "actors/delivery/correlations.hpp"
#include "actors/delivery/lane.hpp"
#include "actors/delivery/session_state.hpp"
#include "cluster/envelope.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stentor::actors {

/// What a session holds of the directory, as far as it knows. References of the session.
struct held_device {
  const device_id &device;
  const account_id &account;
  session_ref ref;
  epoch ep = 0;
  hold_word word = hold_word::gone; ///< `held`: the directory should have the device with `ep`

  bool is_bound() const noexcept { return word == hold_word::held; }
  /// The same for the bind with `of`.
  hold_word holds(epoch of) const noexcept { return is_bound() && ep != of ? hold_word::gone : word; }
};

/// Why a device is asked to reconnect.
enum class goaway : uint8_t { recycle, drain };
/// The word for devices and metrics.
constexpr const char *to_string(goaway x) noexcept {
  return x == goaway::drain ? "drain" : "recycle";
}

/// A session, as delivery and the directory speak to it.
class session_port {
public:
  virtual held_device held() const noexcept = 0;

  // -- from delivery ----
  /// Whether a message that came by the route with `ep` may be delivered. Once it may not, it never may
  /// again: flows count on that. While the directory is asked, others may know the answer before this session
  /// does.
  virtual bool takes_messages(epoch ep) const noexcept = 0;
  virtual void deliver(envelope_ptr e, epoch ep) = 0;
  /// The verdict of a message of this device, the first one: later ones of the same message are dropped.
  virtual void on_verdict(const message_id &message, owed_verdict &&what) = 0;
  /// The verdict of a message under one of this device's keys that ended at the session before.
  virtual void on_key_settled(const items::settle_key &x) = 0;
  /// No verdict comes any longer by the link to `inc`, or by any if none is given.
  virtual void on_link_lost(std::optional<incarnation> inc) = 0;
  /// Gives the state away and ends as superseded; null if device or secret do not match.
  virtual std::unique_ptr<session_state> hand_over(const items::hand_over &question) = 0;
  virtual void on_handed_over(std::unique_ptr<session_state> state) = 0;

  // -- from the directory ----
  virtual void on_bound(const bind_answer &answer) = 0;
  virtual void on_superseded(const device_id &device, epoch newer) = 0;
  /// The directory holds the device with this epoch now: whoever comes by an older route asks again.
  virtual void adopt(epoch ep) noexcept = 0;
  /// The answer to `binder::find_record`.
  virtual void on_record_found(const lookup_answer &answer) = 0;
  /// The answer to `binder::list_for`.
  virtual void on_listed(listing why, const caf::expected<std::vector<storage::record>> &found) = 0;
  /// The account's events may not come: `overloaded` if too many watch it already, or `unavailable`.
  virtual void on_watch_refused(errc why) = 0;
  virtual void on_resync() = 0;

  // -- from the loop ----
  virtual void on_event(const storage::event &event) = 0;
  /// Asks the device to reconnect elsewhere, closes after the grace.
  virtual void go_away(goaway why, std::chrono::milliseconds reconnect_in) = 0;
  /// The node lost its place in the cluster: no message is taken or written from now on, verdicts still are.
  virtual void give_up() = 0;
  /// After that: the device is sent elsewhere, and nothing else is said.
  virtual void abandon() = 0;
  /// What it shows operators of itself.
  virtual session_info info() = 0;

protected:
  ~session_port() = default;
};

/// Who waits for verdicts by tickets of its own.
class verdict_sink {
public:
  virtual void on_outcome(uint64_t ticket, std::string id, const outcome &result, uint32_t total_us) = 0;

protected:
  ~verdict_sink() = default;
};

/// The directory, as delivery asks it.
class resolver {
public:
  /// -> `dispatcher::on_resolved`, in a later turn; `unknown` if the directory does not answer.
  virtual void resolve(const device_id &device, uint64_t ticket) = 0;
  /// The node `by` knows that `device` is held elsewhere with `newer`.
  virtual void on_supersede_seen(incarnation by, const device_id &device, epoch newer) = 0;

protected:
  ~resolver() = default;
};

/// Where a session reports what became of the messages it took. The dispatcher is one; tests have their own.
class delivery_sink {
public:
  /// The final verdict of a message, from whoever owned it last.
  virtual void finish(envelope_ptr e, outcome result) = 0;
  /// Not final: the sender's timeout should name this stage.
  virtual void note(const envelope &e, stage reached) = 0;
  /// Sends a message back that the session at `ref` does not take.
  virtual void send_back(const session_ref &ref, epoch ep, envelope_ptr e) = 0;
  /// The verdict of a message under a key, for the session that the state of `x->to` was handed to. False if
  /// it was not handed over: the session knows the key itself.
  virtual bool settle_moved_key(const session_ref &ref, const envelope &e, verdict v, epoch ep) = 0;

protected:
  ~delivery_sink() = default;
};

/// All that a session needs of the path of messages: where it hands in its device's messages, where it
/// reports what became of those it took, and the way to the session before. The dispatcher is one; tests have
/// their own.
class message_port : public delivery_sink {
public:
  /// A fresh id for a message accepted now.
  virtual message_id next_id() = 0;
  /// Opens the entry under which the sender is told; 0 if too many are open (then the message is
  /// `congested`).
  virtual uint64_t open(pending_verdict entry) = 0;
  /// Takes a message whose `answer_to.correlation` is an entry of this loop, or 0 if nobody waits.
  virtual void submit(envelope_ptr e) = 0;
  /// Asks a session for its state: -> `session_port::on_handed_over`, in a later turn, or never.
  virtual void ask_for_state(const place &at, std::unique_ptr<items::hand_over> question) = 0;
  /// The state of the session `from` was given to `to` at `at`: what is owed to it follows.
  virtual void moved(const session_ref &from, const place &at, const session_ref &to) = 0;
  /// Whether there is a link to that node; none leads to the own one.
  virtual bool has_link(incarnation inc) const noexcept = 0;

protected:
  ~message_port() = default;
};

/// Where a session hands in a message for a whole account.
class account_port {
public:
  /// Sends a copy of `pattern` (its `to` and ids are filled in here) to each online device of `account` but
  /// `except`. The session `sender` is told one verdict, that of `pattern.id`, wherever it lives by then.
  virtual void submit(envelope pattern, const account_id &account, const device_id &except,
                      const session_ref &sender) = 0;

protected:
  ~account_port() = default;
};

} // namespace stentor::actors
