// SPDX-License-Identifier: Apache-2.0
// When a session must act by itself: the end of a wait, of its token, of its life before it is recycled.
// Owned by one session; time arrives as an argument. It does nothing: it says what is due.
#pragma once

#include "actors/delivery/ports.hpp"
#include "cluster/limits.hpp"
#include "cluster/time.hpp"

#include <cstdint>

namespace stentor::actors {

class timetable {
public:
  enum class due : uint8_t {
    nothing,
    wait_over,     ///< of `wait_until`, while not live
    close,         ///< the grace after a `goaway` has ended
    token_expired, ///< the token's grace has ended, too
    token_warning, ///< a fresh token should come now
    recycle,       ///< the device should connect anew
  };

  /// The session began. It is recycled after `lifetime`.
  void start(time_point now, duration lifetime) noexcept;
  /// A token is valid until `end`; `time_point::max()` for one that never ends.
  void set_token_end(time_point end) noexcept;

  void wait_until(time_point when) noexcept { close_at_ = when; }
  void wait_no_longer() noexcept { close_at_ = time_point::max(); }

  /// A `goaway` that ends the connection went out: close at `when`, or at an earlier end of a wait.
  void warn(goaway why, time_point when) noexcept;
  bool is_warned() const noexcept { return warned_; }
  /// Why the connection is closed when `close` is due: of `warn`.
  goaway why() const noexcept { return why_; }
  /// A `goaway` for the token's end went out.
  void warn_of_token() noexcept { token_warned_ = true; }
  /// How long the token is still valid, at least 0.
  duration token_left(time_point now) const noexcept;

  /// The most urgent thing due by `now`.
  due at(time_point now, bool live, const limits &lim) const noexcept;
  /// When something will be due; `time_point::max()` for never.
  time_point next(bool live, const limits &lim) const noexcept;
  duration age(time_point now) const noexcept { return now - started_at_; }

private:
  time_point started_at_;
  time_point recycle_at_ = time_point::max();
  time_point token_end_ = time_point::max();
  time_point close_at_ = time_point::max();
  goaway why_ = goaway::recycle;
  bool warned_ = false;
  bool token_warned_ = false;
};

} // namespace stentor::actors
