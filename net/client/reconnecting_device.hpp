// SPDX-License-Identifier: Apache-2.0
// A device that stays connected: to one of several addresses at a time, resuming its session, until the
// server tells it not to reconnect. Messages are not kept while it is disconnected: `send` reports that.
// Confined to its loop.
#pragma once

#include "net/client/reconnect_policy.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stentor::net::client {

class reconnecting_device;

/// Called on the loop's thread, never inside a call of the device's owner. `stop` and `send` may be called
/// inside; the device may not be destroyed.
class reconnecting_events {
public:
  virtual ~reconnecting_events() = default;
  /// Every frame, `welcome` and `goaway` included. After `welcome` frames may be sent.
  virtual void on_server_frame(reconnecting_device &who, server_frame &&frame) = 0;
  /// The connection is gone, the next attempt comes after `wait`.
  virtual void on_away(reconnecting_device &who, const client_end &end, std::chrono::milliseconds wait) = 0;
  /// It will not connect again: told so by the server, or stopped.
  virtual void on_stopped(reconnecting_device &who, const client_end &end) = 0;
};

class reconnecting_device final : private client_events {
public:
  struct address {
    socket_address at;
    std::string host; ///< `host:port`
  };
  struct options {
    std::vector<address> addresses; ///< at least one
    device_options device;          ///< `at`, `host`, `token` and `resume` are filled in for each attempt
    std::function<std::string()>
        token; ///< asked before each attempt and when the old one runs out; may be empty
    reconnect_policy::options backoff;
    uint64_t seed = 0; ///< random, different for each device
  };

  reconnecting_device(event_loop &loop, options opts, reconnecting_events &events);
  /// Ends the connection without a word and without a call.
  ~reconnecting_device() override;

  void start();
  /// Closes orderly; `on_stopped` follows.
  void stop();

  /// False, and nothing is sent, while there is no welcomed connection.
  bool send(const client_frame &frame);
  bool is_connected() const noexcept { return welcomed_; }

private:
  void on_server_frame(client_device &who, server_frame &&frame) override;
  void on_end(client_device &who, const client_end &end) override;
  void on_timer();
  void watch();
  void try_address(size_t index);
  void ended(const client_end &end);
  void on_goaway(const server_frame &frame);

  event_loop &loop_;
  options options_;
  reconnecting_events &events_;
  reconnect_policy policy_;
  std::unique_ptr<client_device> device_;
  std::string resume_;
  size_t address_;
  std::chrono::milliseconds heartbeat_{0};
  time_point heard_; ///< when the last byte had come as `watch` last looked
  bool welcomed_ = false;
  bool stopping_ = false;
  client_end stopped_end_; ///< what `on_stopped` tells where there was no connection to close
  timer_for<reconnecting_device, &reconnecting_device::on_timer> timer_{this};
  timer_for<reconnecting_device, &reconnecting_device::watch> watch_{this};
};

} // namespace stentor::net::client
