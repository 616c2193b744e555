// SPDX-License-Identifier: Apache-2.0
// What a session knows of messages apart from where they are: the keys its device has seen, what was written
// and not confirmed, the device's own messages without a verdict, and verdicts it could not be told yet.
// Owned by one session; its content is the state that a resume hands over.
#pragma once

#include "actors/delivery/ports.hpp"
#include "actors/delivery/session_state.hpp"
#include "actors/session/session_turn.hpp"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace stentor::actors {

class ledger {
public:
  // -- messages for the device ----
  /// What is known of the key of `e`; a fresh one is in progress from now on.
  key_answer begin_key(const envelope &e, const limits &lim);
  /// The message under the key ended with `v`: here, or at the session that the state was given to while it
  /// was under way. Nothing for a message without a key.
  void settle_key(const envelope &e, verdict v, const session_turn &t);
  /// The same for a message that ended at the session before.
  void settle_key(const items::settle_key &x);
  /// Whether `e` may wait for its ack.
  bool has_room(const envelope &e, time_point now, const limits &lim);
  /// `e` leaves for the device; it keeps room for its ack if it wants one.
  void reserve(const envelope &e) noexcept;
  /// It did not leave after all, and ends with `v`.
  void release(const envelope &e, verdict v, const session_turn &t);
  /// It was written, and waits for its ack.
  void await_ack(envelope_ptr e);
  /// The message that the device confirmed; null if it does not wait here.
  envelope_ptr take_acked(const message_id &id);
  /// What a resumed device gets again, oldest first. Valid until the next call.
  std::vector<const envelope *> unconfirmed(time_point now);
  /// Ends what was written and not confirmed, as unknown.
  void settle_unconfirmed(const session_turn &t);

  // -- messages of the device ----
  bool is_full() const noexcept { return state_.open.is_full(); }
  /// A message was handed in whose verdict the device wants. Not if full.
  void open(open_message x) { state_.open.add(std::move(x)); }
  /// The verdict of a message of this device; a second one is counted, and no more.
  void on_verdict(const message_id &message, owed_verdict &&what, session_turn &t);
  /// Tells the device a verdict, or keeps it for its return.
  void tell(owed_verdict &&what, session_turn &t);
  /// Tells what was kept.
  void tell_owed(session_turn &t);
  /// No verdict comes by the link to `inc` any longer, or by any if none is given: those are unknown.
  void on_link_lost(std::optional<incarnation> inc, session_turn &t);
  /// The same for every link that has ended while the state was on its way within this node.
  void give_up_unlinked(session_turn &t);
  /// The same for verdicts that another node was to pass on, and whose time is up.
  void give_up_overdue(session_turn &t);
  /// When the next of those will be overdue; `time_point::max()` if there is none.
  time_point next_due() const noexcept { return state_.open.next_due(); }

  // -- hand-over ----
  /// Gives the state away. The room of `unwritten` messages stays reserved here: their verdicts come here.
  std::unique_ptr<session_state> give(std::span<const envelope_ptr> unwritten);
  /// Takes the state of the session before, before the first message.
  void take(session_state state) { state_ = std::move(state); }
  /// The same after the device was told that nothing is resumed: it gets the verdicts it is owed, and nobody
  /// waits for its acks.
  void take_late(session_state state, session_turn &t);
  void clear() { state_ = {}; }

  size_t unacked() const noexcept { return state_.unconfirmed.size(); }
  size_t owed() const noexcept { return state_.owed.size(); }

private:
  void tell_unknown(std::vector<open_message> which, session_turn &t);

  session_state state_;
};

} // namespace stentor::actors
