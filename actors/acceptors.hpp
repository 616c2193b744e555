// SPDX-License-Identifier: Apache-2.0
// A loop's two listeners: the one for devices and the one for back ends. Turns accepted sockets into
// connections and API clients. Confined to its loop once that runs.
#pragma once

#include "net/listener.hpp"
#include "net/timer_wheel.hpp"

#include <caf/error.hpp>

#include <memory>

namespace stentor::actors {

class loop_env;
struct loop_parts;

class acceptors {
public:
  acceptors(loop_env &host, loop_parts &parts)
      : devices_{host, parts}, back_ends_{host, parts}, host_{host} {}

  /// Takes both addresses and listens for back ends; before the loop runs. `errc::io` if one is
  /// unavailable. Devices are refused until `open_to_devices`.
  [[nodiscard]] caf::error open(const net::socket_address &devices, const net::socket_address &back_ends);
  [[nodiscard]] caf::error open_to_devices();
  /// With the ports the kernel chose.
  const net::socket_address &device_address() const noexcept { return device_listener_->local_address(); }
  const net::socket_address &api_address() const noexcept { return api_listener_->local_address(); }

  /// Accepts no device for a while; they wait in the kernel's backlog.
  void rest_from_devices(std::chrono::milliseconds length);
  /// Takes no more devices; back ends are still answered.
  void close_to_devices() noexcept {
    rest_.cancel();
    device_listener_.reset();
  }
  void close() noexcept {
    rest_.cancel();
    device_listener_.reset();
    api_listener_.reset();
  }

private:
  void end_rest();

  struct device_listener_events final : net::accept_events {
    device_listener_events(loop_env &host, loop_parts &parts) : host{host}, parts{parts} {}
    void on_accepted(int fd, const net::socket_address &peer) override;
    void on_accept_trouble(int error) override;
    loop_env &host;
    loop_parts &parts;
  };
  struct api_listener_events final : net::accept_events {
    api_listener_events(loop_env &host, loop_parts &parts) : host{host}, parts{parts} {}
    void on_accepted(int fd, const net::socket_address &peer) override;
    void on_accept_trouble(int error) override;
    loop_env &host;
    loop_parts &parts;
  };

  device_listener_events devices_;
  api_listener_events back_ends_;
  loop_env &host_;
  std::unique_ptr<net::listener> device_listener_;
  std::unique_ptr<net::listener> api_listener_;
  net::timer_for<acceptors, &acceptors::end_rest> rest_{this};
};

} // namespace stentor::actors
