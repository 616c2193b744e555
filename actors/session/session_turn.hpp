// SPDX-License-Identifier: Apache-2.0
// What a session gives its parts for one call: whom it serves, the moment, its connection, its loop's
// services. Built for the call and gone after it: no part keeps any of it.
#pragma once

#include "actors/session/device_port.hpp"
#include "actors/session/session_services.hpp"
#include "cluster/envelope.hpp"
#include "cluster/ids.hpp"
#include "cluster/time.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace stentor::actors {

struct session_turn {
  session_services &services;
  const std::shared_ptr<const sender> &me; ///< never null
  const session_ref &ref;
  epoch ep = 0;
  time_point now;
  device_port *device = nullptr; ///< null once the connection has ended
  bool live = false;
  /// A promised frame found no room: the session must cut the device off.
  bool too_slow = false;

  /// Whether a frame for the device may leave now. A connection that has begun to close takes none, though
  /// its session is live until it has ended.
  bool can_send() const noexcept { return live && !too_slow && device->is_usable(); }
  /// A buffer for one frame, empty.
  std::string &frame() const noexcept {
    services.scratch.clear();
    return services.scratch;
  }
  /// Encodes and sends a frame that the device must get: one that has no room left for it is cut off rather
  /// than left in the dark. Only while live.
  template <class Frame>
  void promise(const Frame &what) {
    auto &body = frame();
    net::encode(device->encoding(), body, what);
    send_promised(body);
  }
  void send_promised(std::string_view body) {
    if (device->has_room(body.size()))
      device->send(body, false);
    else
      too_slow = true;
  }
};

} // namespace stentor::actors
