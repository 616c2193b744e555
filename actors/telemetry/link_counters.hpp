// SPDX-License-Identifier: Apache-2.0
// What a node counts about its links to other nodes. Written by the mesh, its peers and the broker, on
// whatever thread they run, read by any.
#pragma once

#include "cluster/time.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stentor::actors {

/// Why a link ended; one word each for metrics, logs and `link_news`.
enum class link_end : uint8_t {
  silent,    ///< pings unanswered
  closed,    ///< the connection ended by itself, or from the other side
  asked,     ///< a loop asked: its lane's bytes made no sense, or its credit never came back
  replaced,  ///< the other side began a new one
  left_view, ///< membership no longer counts the node among the living
  stopped,   ///< this node stops
};
inline constexpr size_t link_end_count = 6;
std::string_view to_string(link_end x) noexcept;

/// Why a connection was cut at the peer port: before it was a link, and for `malformed` and `forbidden` also
/// afterwards.
enum class peer_refusal : uint8_t {
  malformed, ///< bytes that are not BASP, or more of them than allowed
  silent,    ///< no good hello within the time
  crowded,   ///< too many connections without a hello
  tls,       ///< no TLS, or no certificate of the cluster's CA
  hello,     ///< another cluster or protocol version, or a node that is in no view
  forbidden, ///< a message that no node of ours sends, or to an actor that is not open to peers
};
inline constexpr size_t peer_refusal_count = 6;
std::string_view to_string(peer_refusal x) noexcept;

struct link_counters {
  using count = std::atomic<uint64_t>;
  static void add(count &x, uint64_t n = 1) noexcept { x.fetch_add(n, std::memory_order_relaxed); }

  std::atomic<int64_t> up{0};
  count begun{0};
  std::array<count, link_end_count> ended{};
  std::array<count, peer_refusal_count> refused{};
  count port_restarts{0};    ///< the actor at the peer port had ended
  count overflows{0};        ///< severed because too many bytes waited; the end counts as `closed`
  count connect_failures{0}; ///< dialled, but no link came of it
  count pings{0}, pongs{0};
  count round_trip_us{0};      ///< sum over all pongs
  count last_round_trip_us{0}; ///< of the latest

  void end(link_end why) noexcept { add(ended[static_cast<size_t>(why)]); }
  void refuse(peer_refusal why) noexcept { add(refused[static_cast<size_t>(why)]); }
  void pong(duration round_trip) noexcept;
};

} // namespace stentor::actors
