// SPDX-License-Identifier: Apache-2.0
// When and where a device connects again, as docs/protocol.md#close-codes advises. Pure: time is an argument,
// randomness a seed. One per device.
#pragma once

#include "cluster/time.hpp"
#include "net/client/client_device.hpp"

#include <chrono>
#include <optional>
#include <random>

namespace stentor::net::client {

class reconnect_policy {
public:
  struct options {
    std::chrono::milliseconds base{500};        ///< the first wait is a random time up to this
    std::chrono::milliseconds cap{30000};       ///< doubled up to this; full jitter spreads a herd best
    std::chrono::milliseconds overloaded{5000}; ///< `base` after a close with 4003
    /// A connection that lasted as long counts as a success. Being welcomed does not: a node that welcomes
    /// and then closes would be hammered.
    std::chrono::milliseconds stable{60000};
  };
  /// What to do after an end: nothing for "never again".
  struct attempt {
    std::chrono::milliseconds after{0};
    size_t address = 0; ///< index into the addresses
  };

  /// `addresses`: how many there are, at least 1. Begins with a random one, so that a fleet spreads.
  reconnect_policy(options opts, size_t addresses, uint64_t seed);

  /// The address of the first attempt.
  size_t first_address() const noexcept { return address_; }

  void on_welcome(time_point now) noexcept { welcomed_ = now; }

  /// The server asks to leave. Returns when to close and connect elsewhere; an end that comes first still
  /// waits until then.
  time_point on_goaway(std::chrono::milliseconds reconnect_in, time_point now) noexcept;

  /// Nothing where connecting again is useless: closed with a code from 4100 on, or refused for what the
  /// device is (401, 403 and their like).
  std::optional<attempt> on_end(const client_end &end, time_point now);

private:
  std::chrono::milliseconds jittered(std::chrono::milliseconds base);

  options options_;
  size_t addresses_;
  std::mt19937_64 random_;
  size_t address_;
  unsigned failures_ = 0;
  std::optional<time_point> welcomed_;
  std::optional<time_point> leave_at_;
};

} // namespace stentor::net::client
