// SPDX-License-Identifier: Apache-2.0
#include "actors/acceptors.hpp"

#include "actors/loop_parts.hpp"
#include "actors/session/connection.hpp"
#include "actors/telemetry/log.hpp"

#include <cstring>

namespace stentor::actors {

namespace {

void tell_trouble(loop_env &host, const char *listener, int error) {
  host.counters().rejected("descriptors");
  log::warn("acceptors", "accept.failed",
            {{"listener", listener},
             {"loop", host.index()},
             {"error", std::strerror(error)},
             {"hint", "raise LimitNOFILE (docs/deploy.md)"}});
}

} // namespace

caf::error acceptors::open(const net::socket_address &devices, const net::socket_address &back_ends) {
  auto device_listener = net::listener::make_waiting(host_.io(), devices, host_.lim(), devices_);
  if (!device_listener)
    return device_listener.error();
  auto api_listener = net::listener::make(host_.io(), back_ends, host_.lim(), back_ends_);
  if (!api_listener)
    return api_listener.error();
  device_listener_ = std::move(*device_listener);
  api_listener_ = std::move(*api_listener);
  return {};
}

caf::error acceptors::open_to_devices() {
  return device_listener_ ? device_listener_->begin() : caf::error{};
}

void acceptors::rest_from_devices(std::chrono::milliseconds length) {
  if (!device_listener_ || device_listener_->is_paused())
    return;
  host_.counters().rejected("accept_paused");
  device_listener_->pause();
  host_.io().timers().schedule(rest_, host_.now() + length);
}

void acceptors::end_rest() {
  if (device_listener_)
    device_listener_->resume();
}

void acceptors::device_listener_events::on_accepted(int fd, const net::socket_address &) {
  auto link = make_hosted<connection>(host.context().sys, host, host, parts.services, fd);
  link->start();
}

void acceptors::device_listener_events::on_accept_trouble(int error) {
  tell_trouble(host, "devices", error);
}

void acceptors::api_listener_events::on_accepted(int fd, const net::socket_address &) {
  parts.api->accept(fd);
}

void acceptors::api_listener_events::on_accept_trouble(int error) {
  tell_trouble(host, "back ends", error);
}

} // namespace stentor::actors
