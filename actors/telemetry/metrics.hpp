// SPDX-License-Identifier: Apache-2.0
// What a node counts, and its Prometheus text. Each loop has a `loop_counters` that only its thread writes;
// what ordinary actors count is in `node_counters`, shared. `exposition` may be called on any thread. It
// keeps no history and computes no rates: that is Prometheus's task. docs/metrics.md explains every name.
#pragma once

#include "actors/telemetry/counters.hpp"
#include "actors/telemetry/link_counters.hpp"
#include "cluster/envelope.hpp"
#include "cluster/flow_table.hpp"
#include "cluster/verdict.hpp"
#include "net/event_loop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::actors {

// -- closed sets of label values; what is in none of them counts as `other` ----

/// Why a device's connection ended: `net::device_end::reason`.
inline constexpr std::array close_reasons = std::to_array<std::string_view>(
    {"closed",       "reset",         "failure",    "handshake", "refused", "unauthorized",
     "auth_timeout", "token_expired", "superseded", "recycle",   "drain",   "stopped",
     "dead",         "slow",          "protocol",   "malformed", "too_big", "wrong_type",
     "utf8",         "policy",        "overloaded", "fenced"});
/// What was refused for what it was, or for what we lack: a socket, a handshake, a frame, a request.
inline constexpr std::array reject_reasons = std::to_array<std::string_view>(
    {"descriptors",    "admission",        "path",        "origin",         "subprotocol",
     "auth",           "auth_timeout",     "before_auth", "before_welcome", "malformed",
     "bad_frame",      "unknown_ack",      "rate",        "misrouted",      "bind_queue",
     "directory",      "http_connections", "http_slow",   "http_body_size", "http_header_size",
     "http_malformed", "no_link",          "old_link",    "accept_paused"});
/// Why a device or back end was not believed; the first seven are `net::token_verifier`'s.
inline constexpr std::array auth_refusals = std::to_array<std::string_view>(
    {"malformed", "algorithm", "key", "signature", "expired", "early", "claims", "no_keys", "api_key"});
/// How a resume went.
inline constexpr std::array handover_results =
    std::to_array<std::string_view>({"resumed", "refused", "timed_out"});

/// Queues of a loop whose depth is shown.
enum class queue : uint8_t {
  inbox,            ///< actor messages and batches a turn found waiting
  lane_bytes,       ///< data under way to the loop from the others
  pending_verdicts, ///< messages taken in here whose verdict is open
  link_bytes,       ///< data under way from the loop to other nodes
  unbinds,          ///< devices given up that the directory has not heard of
};
inline constexpr size_t queue_count = 5;
std::string_view to_string(queue x) noexcept;

/// What a loop counts; read through `loop_counters::values`.
struct loop_values {
  std::array<std::array<std::array<counter, 4>, 2>, verdict_count> messages; ///< [verdict][source][want]
  time_histogram verdict_time;
  counter late_verdicts, frames_in;
  gauge connections, sessions;
  counter sessions_opened;
  word_counters<close_reasons> closes;
  word_counters<reject_reasons> rejected;
  word_counters<auth_refusals> auth_failures;
  word_counters<handover_results> handovers;
  gauge http_connections;
  std::array<counter, 6> http_answers; ///< by hundreds of the status
  time_histogram lag;
  std::array<gauge, queue_count> depths;
  std::array<counter, queue_count> overflows;
  counter restored, restore_lost, fenced_turns;
  counter link_batches, link_bytes_out, link_messages;
  counter resolves;
  gauge accept_budget;
  counter polls, receives, sends, accepts, bytes_in, bytes_out;
  gauge flows, flows_busy;
  counter route_hits, route_misses, flow_evictions, flow_turns;
};

/// Written by one loop's thread only, read by any.
class alignas(64) loop_counters {
public:
  // -- messages ----
  /// A final verdict for a message that came in at this loop.
  void message(verdict v, source by, want w) noexcept {
    n_.messages[static_cast<size_t>(v)][static_cast<size_t>(by)][static_cast<size_t>(w)].add();
  }
  /// How long a message somebody waited for took to its verdict.
  void verdict_after(duration x) noexcept { n_.verdict_time.observe(x); }
  /// A verdict for a message that had one already: it was late, and its sender was told `unreachable`.
  void late_verdict() noexcept { n_.late_verdicts.add(); }
  void frame_in() noexcept { n_.frames_in.add(); }

  // -- connections and sessions ----
  void connection_opened() noexcept { n_.connections.add(); }
  void connection_closed(std::string_view reason) noexcept {
    n_.connections.sub();
    n_.closes.add(reason);
  }
  size_t connections() const noexcept {
    return static_cast<size_t>(std::max<int64_t>(n_.connections.value(), 0));
  }
  void session_opened() noexcept { n_.sessions_opened.add(), n_.sessions.add(); }
  void session_closed() noexcept { n_.sessions.sub(); }
  void rejected(std::string_view why) noexcept { n_.rejected.add(why); }
  void auth_failure(std::string_view why) noexcept { n_.auth_failures.add(why); }
  void handover(std::string_view result) noexcept { n_.handovers.add(result); }

  // -- back ends ----
  size_t http_connections() const noexcept {
    return static_cast<size_t>(std::max<int64_t>(n_.http_connections.value(), 0));
  }
  void http_connections(size_t open) noexcept { n_.http_connections.set(static_cast<int64_t>(open)); }
  void http_answered(int status) noexcept {
    n_.http_answers[status >= 100 && status < 600 ? status / 100 : 0].add();
  }

  // -- the loop itself, once a turn ----
  /// How long the turn took: a socket that became ready in it waited at most this long.
  void turn(duration length) noexcept { n_.lag.observe(length); }
  size_t depth(queue q) const noexcept {
    return static_cast<size_t>(std::max<int64_t>(n_.depths[static_cast<size_t>(q)].value(), 0));
  }
  void depth(queue q, size_t x) noexcept { n_.depths[static_cast<size_t>(q)].set(static_cast<int64_t>(x)); }
  /// A turn in which nothing could be done for want of a lease.
  void fenced_turn() noexcept { n_.fenced_turns.add(); }
  /// A device was put back into a directory that had lost it, or is held elsewhere.
  void restored(bool ours) noexcept { (ours ? n_.restored : n_.restore_lost).add(); }
  /// A batch left for another node, with `messages` of devices in it.
  void link_batch(size_t bytes, uint32_t messages) noexcept {
    n_.link_batches.add();
    n_.link_bytes_out.add(bytes);
    n_.link_messages.add(messages);
  }
  void resolve_asked() noexcept { n_.resolves.add(); }
  void accept_budget(double a_second) noexcept { n_.accept_budget.set(static_cast<int64_t>(a_second)); }
  /// A full queue sent something back.
  void overflow(queue q) noexcept { n_.overflows[static_cast<size_t>(q)].add(); }
  void publish(const net::io_counters &io) noexcept;
  void publish(const flow_table &flows) noexcept;

  const loop_values &values() const noexcept { return n_; }

private:
  loop_values n_;
};

/// Written by ordinary actors, on whatever thread they run.
struct node_counters {
  std::atomic<int64_t> directory_devices{0};
  std::atomic<uint64_t> directory_requests{0};
  std::atomic<uint64_t> directory_batches{0};
  std::atomic<uint64_t> directory_failures{0}; ///< requests the store could not answer
  std::atomic<uint64_t> directory_refused{0};  ///< requests for which there was no room
  std::atomic<uint64_t> directory_late{0};     ///< requests whose asker had given up before their turn
  std::atomic<uint64_t> lease_renewals{0};
  std::atomic<uint64_t> lease_failures{0};
  std::atomic<uint64_t> fenced{0};       ///< times this node had to stop writing
  std::atomic<uint64_t> restores{0};     ///< times all sessions were put back
  std::atomic<int64_t> disagreements{0}; ///< confirmed in the auditor's last round
  std::atomic<uint64_t> audit_rounds{0};
  std::atomic<uint64_t> audited{0};               ///< binds compared
  std::array<std::atomic<uint64_t>, 3> repairs{}; ///< by `disagreement`
  std::atomic<uint64_t> swept{0};                 ///< records of dead nodes removed
  std::atomic<int64_t> members{1};                ///< nodes in the view, this one included
  std::atomic<int64_t> outage{0};                 ///< 1 while the directory is away for all
};

/// All counters of one node.
class metrics {
public:
  metrics(node_id node, size_t loops);

  loop_counters &loop(size_t i) noexcept { return *loops_[i]; }
  std::span<const std::unique_ptr<loop_counters>> loops() const noexcept { return loops_; }
  node_counters &node() noexcept { return node_; }
  const node_counters &node() const noexcept { return node_; }
  const node_id &name() const noexcept { return name_; }
  /// Before anybody reads; a single node has none.
  void set_links(std::shared_ptr<const link_counters> links) noexcept { links_ = std::move(links); }
  /// Zeros on a single node.
  const link_counters &links() const noexcept { return *links_; }

  /// The body of `/metrics`: Prometheus text format 0.0.4. Takes about a millisecond: not for an event loop.
  std::string exposition() const;

private:
  node_id name_;
  std::vector<std::unique_ptr<loop_counters>> loops_; ///< each alone on its cache lines
  node_counters node_;
  std::shared_ptr<const link_counters> links_ = std::make_shared<link_counters>();
};

/// The `Content-Type` of `metrics::exposition`.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// The table of docs/metrics.md.
std::string metrics_markdown();

} // namespace stentor::actors
