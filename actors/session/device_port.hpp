// SPDX-License-Identifier: Apache-2.0
// A device's connection, as the parts of its session see it. `connection` is one; tests have their own.
// Confined to the loop.
#pragma once

#include "cluster/envelope.hpp"
#include "net/websocket/device_socket.hpp"

#include <cstddef>
#include <string_view>

namespace stentor::actors {

class device_port {
public:
  /// Takes one whole frame body in the connection's format; frames that are `waited_for` are reported once
  /// the kernel has them. False if nothing leaves any longer.
  virtual bool send(std::string_view body, bool waited_for) = 0;
  virtual void close(net::close_code code, const char *reason, std::string_view text) = 0;
  /// A socket that takes nothing, or is about to, is looked at when its time is up, not at the next
  /// heartbeat.
  virtual void watch_stall() = 0;
  /// Whether there is room for `bytes` more in one more message.
  virtual bool has_room(size_t bytes) const noexcept = 0;
  /// Takes back what has not begun to leave; the number of waited-for frames dropped (the latest ones).
  virtual size_t drop_unstarted() = 0;
  /// Whether frames can still leave.
  virtual bool is_usable() const noexcept = 0;
  /// Of its frames; the same until its end. Asked five times a message, so that it is no virtual call.
  format encoding() const noexcept { return encoding_; }

protected:
  ~device_port() = default;
  format encoding_ = format::json; ///< set with the handshake's answer
};

} // namespace stentor::actors
