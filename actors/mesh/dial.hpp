// SPDX-License-Identifier: Apache-2.0
// Sockets of links: one that connects without ever blocking (CAF's own waits for minutes on a host that does
// not answer, and delays all other connects), and one that listens. The broker then owns both.
#pragma once

#include "actors/mesh/transport.hpp"
#include "net/address.hpp"

#include <caf/io/doorman.hpp>
#include <caf/io/scribe.hpp>

namespace stentor::actors {

/// Begins to connect; whether it works is learned from the broker, to which the scribe goes with a
/// `connect_atom`. `errc::io` where the system refuses at once. Any thread.
[[nodiscard]] caf::expected<caf::io::scribe_ptr> dial(link_middleman &via, const net::socket_address &to);

/// Listens; port 0 takes a free one, to be read from the doorman, which goes to the broker with a
/// `publish_atom`. `errc::io` where the address cannot be had. Any thread.
[[nodiscard]] caf::expected<caf::io::doorman_ptr> listen(link_middleman &via, const net::socket_address &at);

} // namespace stentor::actors
