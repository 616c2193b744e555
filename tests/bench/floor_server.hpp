// SPDX-License-Identifier: Apache-2.0
// The floor: the least a server can do to forward a message between two TCP sockets. One process, level-
// triggered epoll, 128-byte frames routed by the index in them, one send a message, nothing coalesced. No
// handshake, no identity, no verdict: what a real server costs more than this is the price of its features.
#pragma once

#include <atomic>
#include <cstdint>

namespace stentor::bench {

/// The floor's own counts, in memory shared with whoever started it.
struct floor_counters {
  std::atomic<uint64_t> polls{0};
  std::atomic<uint64_t> receives{0};
  std::atomic<uint64_t> sends{0};
  std::atomic<uint64_t> accepts{0};
  std::atomic<uint64_t> registered{0};
  std::atomic<uint64_t> unroutable{0}; ///< frames for an index nobody registered
};

/// The first frame of a connection with this target takes its stream number as the connection's index.
inline constexpr uint32_t register_target = 0xffffffff;

/// Listens on a free port of 127.0.0.1, prints `ready device=HOST:PORT` and serves until killed.
/// `counters_fd`: a descriptor of at least `sizeof(floor_counters)` bytes to map, or -1.
int run_floor_server(int counters_fd);

} // namespace stentor::bench
