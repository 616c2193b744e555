// SPDX-License-Identifier: Apache-2.0
// Decides which of the devices that connect at once are accepted: as many per second as the loop can afford
// next to its established ones. Above that rate a handshake gets 503 before its token is checked; above twice
// that rate the acceptor pauses, and the rest waits in the kernel. The budget shrinks when turns get long and
// grows back slowly. One object per loop. Pure: time and randomness are arguments.
#pragma once

#include "cluster/time.hpp"
#include "cluster/token_bucket.hpp"

#include <chrono>
#include <cstdint>

namespace stentor {

class admission {
public:
  /// Turns longer than this delay established devices: the budget shrinks.
  static constexpr std::chrono::milliseconds long_turn{50};
  /// The budget is looked at this often.
  static constexpr std::chrono::milliseconds window{200};
  static constexpr double shrink = 0.7;
  static constexpr double least_share = 0.05; ///< of the configured rate: some must always come in
  static constexpr double grow_share = 0.02;  ///< of the configured rate, a window: back within 10 s
  static constexpr std::chrono::milliseconds pause{250};

  /// `rate`: connections a second this loop takes in at most; 0 for no limit.
  explicit admission(double rate) noexcept : rate_{rate}, budget_{rate} {}

  enum class answer : uint8_t {
    take,
    refuse, ///< 503
    rest,   ///< 503, and accept nothing for `pause`
  };
  [[nodiscard]] answer ask(time_point now) noexcept;
  /// The length of each turn, as it ends.
  void on_turn(duration length, time_point now) noexcept;

  /// What a refused device is told to wait, seconds: longer the more were refused, with jitter.
  uint32_t retry_after_s(uint64_t random) const noexcept;
  /// Connections a second taken in now.
  double budget() const noexcept { return budget_; }

private:
  double rate_;
  double budget_;
  token_bucket taken_;
  token_bucket offered_;
  time_point window_end_{};
  bool had_long_turn_ = false;
  uint64_t refused_ = 0;      ///< in this window
  uint64_t last_refused_ = 0; ///< in the one before
};

} // namespace stentor
