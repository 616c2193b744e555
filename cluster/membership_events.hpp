// SPDX-License-Identifier: Apache-2.0
// The inputs and outputs of `membership`: the directory's answers, and what the actor around it must do.
// Values only.
#pragma once

#include "cluster/slots.hpp"
#include "cluster/time.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace stentor {

// -- in ----

/// A node as the directory lists it.
struct member {
  slot_node who;
  std::string address; ///< where peers reach it
  bool draining = false;
  friend bool operator==(const member &, const member &) = default;
};

/// A lease that has ended; nobody has declared its incarnation dead yet.
struct ended_lease {
  slot_node who;
  directory_micros until = 0;
};

/// An incarnation declared dead that still has records.
struct unswept_node {
  slot_node who;
  directory_micros until = 0; ///< when its lease ended
};

/// The directory renewed our lease.
struct renewal {
  boot_time sent_at; ///< when the request left; the lease counts from here
  boot_time answered_at;
  directory_micros now = 0;
  directory_micros until = 0;
  std::vector<member> view; ///< every lease neither ended nor dead, ours included; any order
  std::vector<ended_lease> expired;
  std::vector<unswept_node> unswept;
  std::string run_id; ///< of the directory's process; another one may have forgotten anything
  /// How long that process has been up.
  std::chrono::milliseconds uptime = std::chrono::hours{24};
};

/// Why it did not.
enum class renewal_failure : uint8_t {
  late,        ///< no answer after `renewal_late`; another event follows when it comes or times out
  unavailable, ///< no connection, or an error that says nothing about our lease
  timed_out,   ///< the outcome is unknown
  dead,        ///< our incarnation was declared dead, or a newer one of our node id holds the lease
  held,        ///< another incarnation of our node id holds the lease
};

/// What this node sees of a peer through its link.
enum class link_health : uint8_t {
  down, ///< none, or severed
  up,
};

// -- out ----

/// Send a renewal; exactly one `on_renewed` or `on_renewal_failed` follows, apart from a `late` before it.
struct do_renew {
  bool draining = false;
};
/// For the lease board, and for the directory's writes their `lease_until`.
struct do_publish {
  boot_time until;
  boot_time asked_at;
  directory_micros directory_until = 0;
};
/// No write whatsoever from now on: take it from the board.
struct do_revoke {};
/// The lease passed, or is back. The loops know by themselves; this is for everyone else.
struct on_fenced {
  bool fenced = false;
};
/// The view: who owns slots (live, not draining), and whom to keep a link with. Both sorted; `peers` without
/// this node.
struct on_view {
  std::vector<slot_node> slots;
  std::vector<member> peers;
};
/// This incarnation is over: its records are invalid.
struct on_dead {
  slot_node who;
};
/// Declare it dead, but only if its lease has ended by the directory's clock when the directory does it: we
/// may be frozen in between.
struct do_declare_dead {
  slot_node who;
};
/// Sweep its records in batches until none are left. Told again where that takes long; two sweeps at once do
/// no harm.
struct do_sweep {
  slot_node who;
};
/// Ask these whether they can renew; every answer with this `round` to `on_peer_answer`.
struct do_ask {
  uint64_t round = 0;
  std::vector<slot_node> whom;
};
/// The directory is away for everyone: we go on under our last lease and view. Or it is back.
struct on_outage {
  bool began = false;
};
/// Put all sessions back into the directory: it may have forgotten them.
struct do_restore {};
/// We were declared dead: close everything, and start over with another incarnation and another `membership`.
struct do_rejoin {};
/// For `/readyz`, when it changes.
struct on_ready {
  bool ready = false;
  std::string_view word;
};

using membership_action =
    std::variant<do_renew, do_publish, do_revoke, on_fenced, on_view, on_dead, do_declare_dead, do_sweep,
                 do_ask, on_outage, do_restore, do_rejoin, on_ready>;

} // namespace stentor
