// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/peer_port.hpp"

namespace stentor::actors {

peer_port_actor::behavior_type peer_port(peer_port_actor::pointer self, mesh_actor mesh,
                                         std::function<renew_word()> can_renew) {
  return {
      [self, mesh](hello_atom, link_hello &who) {
        return self->delegate(mesh, hello_atom_v, std::move(who));
      },
      [](caf::ping_atom) { return caf::pong_atom_v; },
      [can_renew = std::move(can_renew)](poll_atom) {
        return static_cast<uint8_t>(can_renew ? can_renew() : renew_word::unknown);
      },
  };
}

} // namespace stentor::actors
