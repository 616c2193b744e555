// SPDX-License-Identifier: Apache-2.0
// What the operator's view and the auditor ask and are told: values for actor messages, also between nodes.
// Their CAF type ids stand in actors/core/types.hpp.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/slots.hpp"
#include "storage/directory.hpp"

#include <caf/meta/type_name.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace stentor::actors {

/// The longest time over which a node can be asked to drain.
inline constexpr std::chrono::hours longest_drain_over{1};

/// A question of the operator to a node.
struct admin_question {
  enum class kind : uint8_t { nodes, slots, device, drain };
  /// Which slots are wanted.
  enum class slots : uint8_t { all, one, of_device, without };
  kind what = kind::nodes;
  slots which = slots::all;
  std::string subject;  ///< a device or node, as the kind says; of a drain, empty for the node itself
  slot number = 0;      ///< slots `one`
  int64_t over_ms = -1; ///< of a drain; negative: as configured
};

/// The answer, ready to be sent.
struct admin_page {
  uint16_t status = 200;
  std::string body; ///< JSON
};

/// A node by its lease, as membership saw it last.
struct member_info {
  node_id node;
  incarnation inc = 0;
  std::string address;
  std::string state;         ///< up, draining, late (its lease has ended) or dead
  int64_t lease_left_ms = 0; ///< negative once it has ended
};

/// What one loop says of itself.
struct loop_info {
  uint64_t connections = 0;
  uint64_t sessions = 0;
};

/// A session in its own words.
struct session_info {
  route at;
  std::string state;      ///< binding, resuming, live, leaving, detached
  bool bound = false;     ///< it holds the device, as far as it knows
  bool connected = false; ///< it has a connection
  account_id account;
  int64_t age_ms = 0;   ///< since it connected
  int64_t heard_ms = 0; ///< since the last frame from the device, or for it
  uint32_t unsent = 0;  ///< frames that the kernel has not taken
  uint32_t unacked = 0; ///< messages written and not confirmed
  uint32_t owed = 0;    ///< verdicts that wait for the device's return
};

/// What a loop knows of a bind.
enum class hold_word : uint8_t {
  gone,       ///< no such session, or it does not hold the device with that epoch
  in_transit, ///< it asks the directory, or gives the device up just now
  held,
};

/// One of a list: CAF 0.17 reads lists of bare enums into values without a beginning.
struct hold_answer {
  hold_word word = hold_word::gone;
};

/// Some sessions of a loop that hold their device, and where the next question goes on.
struct session_sample {
  uint64_t next = 0; ///< 0 where the loop's last session was reached
  std::vector<storage::record> held;
};

template <class I>
typename I::result_type inspect(I &f, admin_question &x) {
  return f(caf::meta::type_name("admin_question"), x.what, x.which, x.subject, x.number, x.over_ms);
}
template <class I>
typename I::result_type inspect(I &f, admin_page &x) {
  return f(caf::meta::type_name("admin_page"), x.status, x.body);
}
template <class I>
typename I::result_type inspect(I &f, member_info &x) {
  return f(caf::meta::type_name("member_info"), x.node, x.inc, x.address, x.state, x.lease_left_ms);
}
template <class I>
typename I::result_type inspect(I &f, loop_info &x) {
  return f(caf::meta::type_name("loop_info"), x.connections, x.sessions);
}
template <class I>
typename I::result_type inspect(I &f, session_info &x) {
  return f(caf::meta::type_name("session_info"), x.at, x.state, x.bound, x.connected, x.account, x.age_ms,
           x.heard_ms, x.unsent, x.unacked, x.owed);
}
template <class I>
typename I::result_type inspect(I &f, hold_answer &x) {
  return f(caf::meta::type_name("hold_answer"), x.word);
}
template <class I>
typename I::result_type inspect(I &f, session_sample &x) {
  return f(caf::meta::type_name("session_sample"), x.next, x.held);
}

} // namespace stentor::actors
