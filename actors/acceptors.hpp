// SPDX-License-Identifier: Apache-2.0
// A loop's two listeners: the one for devices and the one for back ends. Turns accepted sockets into
// connections and API clients. Confined to its loop once that runs.
#pragma once

#include "net/listener.hpp"
#include "net/timer_wheel.hpp"

#include <caf/error.hpp>

#include <memory>

namespace stentor::actors {

class loop;

class acceptors {
public:
  explicit acceptors(loop &host) : devices_{host}, back_ends_{host}, host_{host} {}

  /// Takes both addresses and listens for back ends; before the loop runs. `errc::io` where one cannot be
  /// had. Devices are refused until `open_to_devices`.
  [[nodiscard]] caf::error open(const net::socket_address &devices, const net::socket_address &back_ends);
  [[nodiscard]] caf::error open_to_devices();
  /// With the ports the kernel chose.
  const net::socket_address &device_address() const noexcept { return device_listener_->local_address(); }
  const net::socket_address &api_address() const noexcept { return api_listener_->local_address(); }

  /// Accepts no device for a while; they wait in the kernel's backlog.
  void rest_from_devices(std::chrono::milliseconds length);
  /// Takes no device any more; back ends are still answered.
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
    explicit device_listener_events(loop &host) : host{host} {}
    void on_accepted(int fd, const net::socket_address &peer) override;
    void on_accept_trouble(int error) override;
    loop &host;
  };
  struct api_listener_events final : net::accept_events {
    explicit api_listener_events(loop &host) : host{host} {}
    void on_accepted(int fd, const net::socket_address &peer) override;
    void on_accept_trouble(int error) override;
    loop &host;
  };

  device_listener_events devices_;
  api_listener_events back_ends_;
  loop &host_;
  std::unique_ptr<net::listener> device_listener_;
  std::unique_ptr<net::listener> api_listener_;
  net::timer_for<acceptors, &acceptors::end_rest> rest_{this};
};

} // namespace stentor::actors
