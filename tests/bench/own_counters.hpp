// SPDX-License-Identifier: Apache-2.0
// What a server says itself about the system calls of its event loops: `/metrics` of stentord, shared memory
// of the floor. For machines where the kernel does not let us count them. Blocks for one HTTP exchange.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <string_view>

namespace stentor::bench {

struct floor_counters;

uint64_t own_system_calls(const floor_counters &floor) noexcept;

/// The sum of `stentor_io_{polls,receives,sends,accepts}_total` at this API address; 0 where it does not
/// answer within 2 s.
uint64_t own_system_calls(const net::socket_address &api);

/// The same from a text in Prometheus' exposition format.
uint64_t sum_of_io_calls(std::string_view exposition);

} // namespace stentor::bench
