// SPDX-License-Identifier: Apache-2.0
// Every limit and lifecycle number of a node, with unit and reason. One struct, so that a reader finds them
// all; the configuration overrides some of them by name (docs/configuration.md). Immutable once the node
// runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace stentor {

struct limits {
  // -- a device's connection ----
  std::chrono::milliseconds auth_timeout{8000};   ///< unauthenticated socket closed after this (Zuul Push)
  std::chrono::milliseconds ping_interval{25000}; ///< ping an idle device this often (Centrifugo 25 s)
  std::chrono::milliseconds ping_timeout{10000};  ///< dead without any byte this long after a ping
  std::chrono::milliseconds session_lifetime{
      1800000};                                     ///< then `goaway`: spreads devices over new nodes (Pushy)
  std::chrono::milliseconds session_dither{180000}; ///< random 0..this is taken off the lifetime
  std::chrono::milliseconds goaway_grace{
      4000};                               ///< the client closes first, so TIME_WAIT stays there (Zuul Push)
  std::chrono::milliseconds drain_over{0}; ///< a drain asks its devices to leave over this time
  std::chrono::milliseconds close_linger{2000};   ///< read and discard this long after our close frame
  std::chrono::milliseconds stall_timeout{15000}; ///< closed as slow when a full cork took no byte this long
  std::chrono::milliseconds token_warning{60000}; ///< `goaway {reason:"token"}` this long before `exp`
  std::chrono::milliseconds token_grace{30000};   ///< closed this long after `exp`
  size_t max_frame_bytes = 64 * 1024;             ///< a whole message, after reassembly (Zuul Push)
  size_t max_handshake_bytes = 8 * 1024;          ///< request line and headers (Zuul Push)
  size_t max_cork_bytes = 1024 * 1024;            ///< unsent bytes a device; past it `congested`
  size_t max_cork_messages = 1024;                ///< unsent messages a device; past it `congested`
  int send_buffer_bytes = 128 * 1024; ///< SO_SNDBUF: the cork and not the kernel measures slowness
  std::chrono::milliseconds tcp_user_timeout{35000}; ///< one ping interval and its timeout

  // -- a device's session ----
  std::chrono::milliseconds resume_window{30000};    ///< a session outlives its connection this long
  std::chrono::milliseconds hand_over_timeout{1000}; ///< then `resumed:false`
  double message_rate = 50;                          ///< messages per second a device; 0 for no limit
  double message_burst = 100;
  size_t max_unacked_messages = 256; ///< kept for a resume; past it `congested`
  size_t max_unacked_bytes = 64 * 1024;
  size_t idempotency_keys = 64; ///< remembered a device
  std::chrono::milliseconds idempotency_window{300000};
  size_t max_watchers = 64; ///< watching sessions an account

  // -- a message ----
  std::chrono::milliseconds default_timeout{5000}; ///< until `unreachable`
  std::chrono::milliseconds max_timeout{30000};
  size_t max_flow_messages = 64; ///< waiting for a route, a device; past it `congested`
  size_t max_flow_bytes = 256 * 1024;
  size_t route_cache = 65536;           ///< flows a loop remembers
  size_t max_pending_verdicts = 262144; ///< a loop; past it `congested`

  // -- a loop ----
  size_t inbox_bytes = 8 * 1024 * 1024; ///< data in flight from one loop to another; past it `congested`
  size_t inbox_messages = 65536;
  size_t accepts_per_turn = 64;
  size_t accept_rate = 5000; ///< a node, per second; past it 503 with Retry-After

  // -- HTTP ----
  size_t max_header_bytes = 8 * 1024;
  size_t max_body_bytes = 64 * 1024;         ///< one payload
  size_t max_batch_bytes = 16 * 1024 * 1024; ///< one NDJSON batch
  size_t max_batch_lines = 10000;
  size_t max_batch_in_flight = 256; ///< lines of one batch without a verdict; then it is read no further
  std::chrono::milliseconds http_header_timeout{10000}; ///< from the first byte to the end of the headers
  std::chrono::milliseconds http_body_timeout{30000};
  std::chrono::milliseconds http_idle_timeout{75000};
  size_t max_http_connections = 4096; ///< per loop
  /// Unsent bytes of answers per back-end connection: past it none of its requests is read.
  size_t max_unsent_answers = 256 * 1024;
  /// Taken by a back end within `http_body_timeout`, or all there is: who takes less is cut off.
  size_t least_answers_taken = 64 * 1024;
};

} // namespace stentor
