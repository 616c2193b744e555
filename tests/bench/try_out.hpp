// SPDX-License-Identifier: Apache-2.0
// One message from device to device with the client library, so that servers that do not work say so before
// anything is measured. Blocks, for 5 s a step at most.
#pragma once

#include "net/address.hpp"
#include "tests/bench/node_access.hpp"

#include <caf/error.hpp>

namespace stentor::bench {

/// Connects a device to `from` and one to `to`, which may be the same, and sends a message between them.
/// `errc::io` with what went wrong unless it arrived and was `written`.
[[nodiscard]] caf::error try_out(const net::socket_address &from, const net::socket_address &to,
                                 const node_access &access);

} // namespace stentor::bench
