// SPDX-License-Identifier: Apache-2.0
// Messages on their way to the device: held until it is live, then checked, encoded and corked in its
// connection, in order, until the kernel has each frame whole. Owned by one session.
#pragma once

#include "actors/session/ledger.hpp"
#include "actors/session/session_turn.hpp"
#include "cluster/envelope.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace stentor::actors {

class outbound {
public:
  using held_message = std::pair<epoch, envelope_ptr>; ///< with the epoch of the route it came by

  // -- before the device is live ----
  /// Keeps a message, within what a cork holds; past that it is `congested`.
  void hold(envelope_ptr e, epoch by, const session_turn &t);
  /// Everything held, in order, for the device that is live now.
  std::vector<held_message> take_held();
  /// Everything held goes back to its senders' loops, which find the device's next session.
  void send_back_held(const session_turn &t);

  // -- live ----
  /// Writes `e` to the device, or ends it with the verdict that says why not. `e->arrived_at` is set.
  void deliver(envelope_ptr e, ledger &book, const session_turn &t);
  /// The kernel has the next `count` frames whole.
  void on_written(size_t count, ledger &book, const session_turn &t);
  /// Writes what was not confirmed on the connection before.
  void redeliver(ledger &book, const session_turn &t) const;

  // -- the end ----
  /// Messages whose frames the kernel does not have whole, oldest first.
  std::span<const envelope_ptr> unwritten() const noexcept { return std::span{corked_}.subspan(written_); }
  /// Sends the last `count` of those back.
  void send_back_last(size_t count, ledger &book, const session_turn &t);
  /// Ends the last `count` of those with `v`.
  void settle_last(size_t count, verdict v, ledger &book, const session_turn &t);
  /// Ends all of them, and what is held, as unknown.
  void settle_all(ledger &book, const session_turn &t);

private:
  /// Why `e` may not be written; nothing if it may.
  std::optional<outcome> objection(const envelope &e, ledger &book, const session_turn &t) const;

  std::vector<envelope_ptr> corked_; ///< one per mark of the connection
  struct held_messages {
    std::vector<held_message> all;
    size_t bytes = 0;
  };
  std::unique_ptr<held_messages> held_;
  uint32_t written_ = 0; ///< how many of `corked_` are settled, at its front
};

} // namespace stentor::actors
