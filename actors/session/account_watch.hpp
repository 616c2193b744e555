// SPDX-License-Identifier: Apache-2.0
// A device's view of its account: which devices are online, once or as events. Owned by one session; the
// directory answers the session, which passes the answers on.
#pragma once

#include "actors/core/ports.hpp"
#include "actors/session/session_turn.hpp"

namespace stentor::actors {

class account_watch {
public:
  /// The device asks who is online.
  static void ask(const session_turn &t);
  /// The device wants events from now on, or none any longer.
  void set(bool on, const session_turn &t);
  /// The session ends: no events.
  void stop(const session_turn &t) { set(false, t); }

  // -- from the directory; nothing leaves unless the session is live ----
  void on_listed(listing why, const caf::expected<std::vector<storage::record>> &found, session_turn &t);
  void on_refused(errc why, session_turn &t);
  void on_event(const storage::event &event, session_turn &t) const;
  /// An event may have been lost: asks for all that is there.
  void on_resync(const session_turn &t) const;

private:
  bool on_ = false;
};

} // namespace stentor::actors
