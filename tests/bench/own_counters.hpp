// SPDX-License-Identifier: Apache-2.0
// What a server counts itself: `/metrics` of stentord, shared memory of the floor. The system calls of its
// event loops, for machines where the kernel does not let us count them. Blocks for one HTTP exchange.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace stentor::bench {

struct floor_counters;

uint64_t own_system_calls(const floor_counters &floor) noexcept;

/// The sum of `stentor_io_{polls,receives,sends,accepts}_total` at this API address; 0 where it does not
/// answer within 2 s.
uint64_t own_system_calls(const net::socket_address &api);

/// The same from a text in Prometheus' exposition format.
uint64_t sum_of_io_calls(std::string_view exposition);

/// One counter at this API address, summed over its labels; 0 where it does not answer within 2 s.
uint64_t own_counter(const net::socket_address &api, std::string_view name);

/// The sum of these counters over all their labels.
uint64_t sum_of_counters(std::string_view exposition, std::span<const std::string_view> names);

} // namespace stentor::bench
