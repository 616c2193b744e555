// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/link_counters.hpp"

#include <chrono>

namespace stentor::actors {

std::string_view to_string(link_end x) noexcept {
  switch (x) {
  case link_end::silent:
    return "silent";
  case link_end::closed:
    return "closed";
  case link_end::asked:
    return "asked";
  case link_end::replaced:
    return "replaced";
  case link_end::left_view:
    return "left_view";
  case link_end::stopped:
    return "stopped";
  }
  return "other";
}

std::string_view to_string(peer_refusal x) noexcept {
  switch (x) {
  case peer_refusal::malformed:
    return "malformed";
  case peer_refusal::silent:
    return "silent";
  case peer_refusal::crowded:
    return "crowded";
  case peer_refusal::tls:
    return "tls";
  case peer_refusal::hello:
    return "hello";
  case peer_refusal::forbidden:
    return "forbidden";
  }
  return "other";
}

void link_counters::pong(duration round_trip) noexcept {
  auto us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(round_trip).count());
  add(pongs);
  add(round_trip_us, us);
  last_round_trip_us.store(us, std::memory_order_relaxed);
}

} // namespace stentor::actors
