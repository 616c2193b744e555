// SPDX-License-Identifier: Apache-2.0
// How nodes of a cluster reach each other: CAF's middleman with our broker in place of its own, over TCP or
// TLS. Set once, before the actor system is made. Which nodes to reach is the mesh's business.
#pragma once

#include "actors/mesh/tls_context.hpp"
#include "actors/telemetry/link_counters.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace stentor::actors {

/// Bounds of the peer port; each connection's and all together.
struct transport_limits {
  size_t max_message_bytes =
      32 * 1024 * 1024;                  ///< one BASP message; a lane's batch is at most its 8 MiB of credit
  size_t max_stranger_bytes = 64 * 1024; ///< the same before a good hello: a hello is under 1 KiB
  size_t max_unsent_bytes = 64 * 1024 * 1024; ///< waiting for a connection; past it the link is severed
  size_t max_strangers = 64;                  ///< connections without a good hello; more are closed at once
  std::chrono::milliseconds hello_timeout{
      3000}; ///< from connecting to a good hello: ten round trips of a slow WAN
};

struct transport_options {
  std::string cluster;
  tls_files tls; ///< all empty: plain TCP
  transport_limits lim;
  /// CAF's deserialising actors. None: the multiplexer's thread does it (docs/decisions/0014).
  size_t workers = 0;
};

/// What broker, dialler and peer_port share. Constant but for the counters.
struct transport {
  transport_options options;
  std::shared_ptr<const tls_context> tls; ///< null for plain TCP
  link_counters counters;
  std::atomic<uint64_t> serials{0}; ///< of connections: numbers grow and are never used again
  uint64_t next_serial() noexcept { return serials.fetch_add(1, std::memory_order_relaxed) + 1; }
};

/// Loads the middleman into `cfg`, for an actor system that links to others. `errc::config` where the TLS
/// files are incomplete or do not fit together. With TLS the process ignores SIGPIPE from here on: OpenSSL
/// writes with write(2).
[[nodiscard]] caf::error configure_transport(caf::actor_system_config &cfg, transport_options options);

/// The middleman that `configure_transport` loads.
class link_middleman final : public caf::io::middleman {
public:
  link_middleman(caf::actor_system &sys, std::shared_ptr<actors::transport> shared);
  void start() override;
  caf::io::network::multiplexer &backend() override { return backend_; }
  caf::io::network::default_multiplexer &multiplexer() noexcept { return backend_; }
  actors::transport &transport() noexcept { return *shared_; }
  const std::shared_ptr<actors::transport> &shared() const noexcept { return shared_; }

private:
  std::shared_ptr<actors::transport> shared_;
  caf::io::network::default_multiplexer backend_;
};

/// Of a system that was configured by `configure_transport`; null for any other.
link_middleman *links_of(caf::actor_system &sys) noexcept;

} // namespace stentor::actors
