// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/transport.hpp"

#include "actors/core/mesh_types.hpp"
#include "actors/mesh/link_broker.hpp"

#include <csignal>

namespace stentor::actors {

namespace {

/// One for each version this node speaks; two nodes need one in common.
std::vector<std::string> app_identifiers(const std::string &cluster) {
  std::vector<std::string> result;
  for (auto version = protocol_range{}.oldest; version <= protocol_range{}.newest; ++version)
    result.push_back("stentor/" + cluster + "/" + std::to_string(version));
  return result;
}

} // namespace

link_middleman::link_middleman(caf::actor_system &sys, std::shared_ptr<actors::transport> shared)
    : middleman{sys}, shared_{std::move(shared)}, backend_{&sys} {}

void link_middleman::start() {
  // Whoever asks for the broker of this name gets the first one made: ours, not the one `start` would make.
  named_broker<link_broker>(caf::atom("BASP"));
  middleman::start();
}

caf::error configure_transport(caf::actor_system_config &cfg, transport_options options) {
  auto shared = std::make_shared<transport>();
  if (!options.tls.empty()) {
    auto tls = tls_context::make(options.tls);
    if (!tls)
      return tls.error();
    shared->tls = std::move(*tls);
    std::signal(SIGPIPE, SIG_IGN);
  }
  cfg.add_message_types<caf::id_block::stentor_mesh>();
  cfg.set("middleman.workers", options.workers);
  // Our pings watch the links; CAF's heartbeats would only add to them.
  cfg.set("middleman.heartbeat-interval", caf::timespan{0});
  // A full mesh of direct connections is made by hand.
  cfg.set("middleman.enable-automatic-connections", false);
  cfg.set("middleman.app-identifiers", app_identifiers(options.cluster));
  shared->options = std::move(options);
  cfg.module_factories.emplace_back([shared](caf::actor_system &sys) -> caf::actor_system::module * {
    return new link_middleman{sys, shared};
  });
  return {};
}

link_middleman *links_of(caf::actor_system &sys) noexcept {
  return sys.has_middleman() ? dynamic_cast<link_middleman *>(&sys.middleman()) : nullptr;
}

} // namespace stentor::actors
