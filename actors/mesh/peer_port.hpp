// SPDX-License-Identifier: Apache-2.0
// The actor published at the peer port: answers pings and questions at once, and passes hellos on to the
// mesh. Ordinary actor on CAF's scheduler, one per node.
#pragma once

#include "actors/core/mesh_types.hpp"

#include <functional>

namespace stentor::actors {

/// `can_renew` is called on CAF's scheduler: whether this node's last renewal worked.
peer_port_actor::behavior_type peer_port(peer_port_actor::pointer self, mesh_actor mesh,
                                         std::function<renew_word()> can_renew);

} // namespace stentor::actors
