// SPDX-License-Identifier: Apache-2.0
// All timeouts of one event loop: intrusive, so that a connection's heartbeat costs 32 bytes and no
// allocation. Coarse by design (50 ms): nothing in Stentor needs a finer timeout. Loop-confined; time arrives
// as an argument.
#pragma once

#include "cluster/time.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace stentor::net {

class timer_wheel;

/// One pending call of `fire(*this)`. Destroying it cancels it. Never copied or moved.
class timer {
public:
  using callback = void (*)(timer &which);
  ~timer() { cancel(); }
  timer(const timer &) = delete;
  timer &operator=(const timer &) = delete;

  bool is_armed() const noexcept { return previous_ != nullptr; }
  void cancel() noexcept;

protected:
  /// `owner` contains this timer: how far it begins before it takes 3 bytes where a pointer takes 8, and
  /// every connection and session has a timer.
  timer(const void *owner, callback fire) noexcept : fire_{fire} {
    before_ = reinterpret_cast<const char *>(this) - static_cast<const char *>(owner);
    assert(owner_of() == owner);
  }
  void *owner_of() noexcept { return reinterpret_cast<char *>(this) - before_; }

private:
  friend class timer_wheel;
  timer *previous_ = nullptr;
  timer *next_ = nullptr;
  callback fire_;
  int64_t before_ : 24 = 0;
  uint64_t tick_ : 40 = 0; ///< enough for 1,700 years
};

/// A timer that calls a member function of what contains it: `timer_for<session, &session::on_timeout>
/// t{this};`
template <class Owner, void (Owner::*Method)()>
class timer_for : public timer {
public:
  explicit timer_for(Owner *owner) noexcept
      : timer{owner, [](timer &which) {
                auto *self = static_cast<timer_for &>(which).owner_of();
                (static_cast<Owner *>(self)->*Method)();
              }} {}
};

class timer_wheel {
public:
  static constexpr std::chrono::milliseconds tick_length{50};

  explicit timer_wheel(time_point start) noexcept;
  ~timer_wheel();
  timer_wheel(const timer_wheel &) = delete;
  timer_wheel &operator=(const timer_wheel &) = delete;

  /// Arms or re-arms `t`: fires at the first tick not before `when`, never inside this call.
  void schedule(timer &t, time_point when) noexcept;

  /// Fires everything due at `now`, each timer at most once; a callback may arm, cancel or destroy any timer.
  void advance(time_point now);

  /// When `advance` should be called next, at the latest; nothing while no timer is armed. May be early.
  std::optional<time_point> next_due() const noexcept;

private:
  static constexpr size_t slot_count =
      512; // 25.6 s a round; later timers stay in their slot and are passed over

  /// A list head that looks like a timer to its neighbours.
  struct slot : timer {
    slot() noexcept : timer{this, nullptr} {}
  };

  uint64_t tick_of(time_point t) const noexcept;
  static void link(timer &head, timer &t) noexcept;

  time_point start_;
  uint64_t current_ = 0;                                     ///< every tick up to this one has fired
  mutable std::array<uint64_t, slot_count / 64> occupied_{}; ///< a set bit may be stale, a clear one is true
  std::array<slot, slot_count> slots_;
};

} // namespace stentor::net
