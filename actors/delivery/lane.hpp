// SPDX-License-Identifier: Apache-2.0
// What loops hand each other at the end of a turn: messages on their way, messages on their way back,
// verdicts, and the notices of takeover and hand-over. Items of one source reach one loop in the order they
// were put in; data is bounded by credit, everything else is always admitted.
#pragma once

#include "actors/delivery/session_state.hpp"
#include "cluster/envelope.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace stentor::actors {

namespace items {

/// A message for a session of this loop.
struct deliver {
  session_ref to;
  epoch ep = 0;
  envelope_ptr what;
};
/// A message that `refused` did not take, back at its sender's loop.
struct bounce {
  route refused;
  envelope_ptr what;
};
/// Goes down a path behind messages and comes back behind their bounces.
struct marker {
  session_ref to;
  device_id device;
  uint64_t id = 0;
  place sender;
  bool returning = false;
};
/// The verdict of a message with a correlation at this loop. `interim`: only `result.at` is news.
struct settle {
  uint64_t correlation = 0;
  bool interim = false;
  outcome result;
};
/// A verdict for a session that moved to this loop while it was owed; the sender's own id is known there.
struct owed {
  session_ref to;
  owed_verdict what;
  message_id message;
};
/// The verdict of a message whose key moved to this loop while it was in progress.
struct settle_key {
  session_ref to;
  device_id from;
  std::string key;
  verdict what = verdict::unreachable;
  via by;
};
/// The device was bound with a newer epoch elsewhere. Who says so from another node repeats it until `seen`.
struct supersede {
  session_ref to;
  device_id device;
  epoch newer = 0;
  place sender;
};
/// The answer to `supersede`, whether or not the session was still there.
struct supersede_seen {
  device_id device;
  epoch newer = 0;
  incarnation by = 0;
};
/// A new session asks the old one for its state; `requester` at `from` gets the answer.
struct hand_over {
  session_ref to;
  device_id device;
  epoch newer = 0;
  resume_secret proof; ///< `proof_of` the secret and the requester's account
  session_ref requester;
  place from;
};
/// The old session's state; null where it is gone or the secret does not match.
struct handed_over {
  session_ref to;
  std::unique_ptr<session_state> state;
};
/// To the own loop: there is no link to the node that a route of `device` names.
struct route_lost {
  device_id device;
  incarnation inc = 0;
};

} // namespace items

using lane_item =
    std::variant<items::deliver, items::bounce, items::marker, items::settle, std::unique_ptr<items::owed>,
                 std::unique_ptr<items::settle_key>, std::unique_ptr<items::supersede>,
                 std::unique_ptr<items::supersede_seen>, std::unique_ptr<items::hand_over>,
                 items::handed_over, std::unique_ptr<items::route_lost>>;

/// The items of one turn from one loop.
struct lane_batch {
  uint16_t from = 0;
  std::vector<lane_item> items;
  size_t data_bytes = 0; ///< credit to give back once handled
  size_t data_messages = 0;
};

} // namespace stentor::actors
