// SPDX-License-Identifier: Apache-2.0
// A listening socket of one event loop: accepts a bounded number of connections per turn and hands each to
// its owner. Several loops listen on one address (SO_REUSEPORT); the kernel spreads connections over them.
// When the process has no descriptors left it pauses instead of spinning. Knows no protocol. Confined to its
// loop.
#pragma once

#include "cluster/limits.hpp"
#include "net/address.hpp"
#include "net/event_loop.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <memory>
#include <string_view>

namespace stentor::net {

/// Implemented by whoever owns a listener. Called on the loop's thread; must not destroy the listener.
class accept_events {
public:
  virtual ~accept_events() = default;
  /// A connected, non-blocking, tuned descriptor, now the owner's.
  virtual void on_accepted(int fd, const socket_address &peer) = 0;
  /// accept(2) failed with `error` for want of something in this process or machine (EMFILE, ENFILE, ...).
  /// Told once, until a connection was accepted again.
  virtual void on_accept_trouble(int error) = 0;
};

class listener final : public pollable {
public:
  static constexpr int backlog = 4096;
  /// How long it rests when the process is out of descriptors: long enough to cost nothing, short enough that
  /// nobody gives up.
  static constexpr std::chrono::milliseconds rest{100};

  /// Listens on `address`. `errc::io` where it cannot be had.
  [[nodiscard]] static caf::expected<std::unique_ptr<listener>>
  make(event_loop &loop, const socket_address &address, const limits &lim, accept_events &events);
  /// Takes `address` and refuses connections until `begin`.
  [[nodiscard]] static caf::expected<std::unique_ptr<listener>>
  make_waiting(event_loop &loop, const socket_address &address, const limits &lim, accept_events &events);
  /// Once, after `make_waiting`. `errc::io`.
  [[nodiscard]] caf::error begin();
  ~listener() override;
  listener(const listener &) = delete;
  listener &operator=(const listener &) = delete;

  /// With the port the kernel chose where 0 was asked for: further loops listen on this one.
  const socket_address &local_address() const noexcept { return local_; }

  /// Connections wait in the backlog meanwhile.
  void pause();
  void resume();
  bool is_paused() const noexcept { return paused_; }

  /// How often it had to rest.
  uint64_t rests() const noexcept { return rests_; }

  void on_ready(uint32_t events) override;

private:
  listener(event_loop &loop, int fd, const socket_address &local, const limits &lim, accept_events &events);
  void arm();
  void rest_over();

  event_loop &loop_;
  int fd_;
  socket_address local_;
  const limits &limits_;
  accept_events &events_;
  bool paused_ = false;
  bool resting_ = false;
  bool told_ = false;
  bool armed_ = false;
  bool begun_ = false;
  uint64_t rests_ = 0;
  timer_for<listener, &listener::rest_over> timer_{this};
};

/// Whether another process holds `address`: SO_REUSEPORT would let a second daemon of the same user share it
/// in silence. To be asked once, before the first `listener::make`. `errc::io` with a clear text if so.
[[nodiscard]] caf::error probe_address(const socket_address &address);

/// No delay, a send buffer of `lim.send_buffer_bytes`, death after `lim.tcp_user_timeout`. Accepted sockets
/// have it from their listener.
void tune_accepted_socket(int fd, const limits &lim) noexcept;

} // namespace stentor::net
