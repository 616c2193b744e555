// SPDX-License-Identifier: Apache-2.0
// One Stentor node: the wiring of loops, routers, directory and inspector, from start to the end of a drain.
// Built, used and destroyed on one thread (main, or a test's); each loop has a thread of its own.
#pragma once

#include "actors/loop.hpp"
#include "actors/node_context.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace stentor::actors {

class node {
public:
  /// Listens and runs. `errc::config` for bad keys, `errc::io` where an address cannot be had.
  [[nodiscard]] static caf::expected<std::unique_ptr<node>> start(caf::actor_system &sys, config cfg);
  /// Stops at once where `drain` was not called: devices see their sockets closed.
  ~node();
  node(const node &) = delete;
  node &operator=(const node &) = delete;

  /// What a drain came to.
  struct drain_summary {
    size_t devices = 0;   ///< connected when it began
    size_t left_over = 0; ///< still connected when time ran out
    std::chrono::milliseconds took{0};
  };
  /// Takes no more devices, asks those it has to leave, closes in order, stops.
  drain_summary drain();

  const std::string &device_address() const noexcept { return device_address_; }
  const std::string &api_address() const noexcept { return api_address_; }
  node_context &context() noexcept { return ctx_; }

private:
  node(caf::actor_system &sys, config cfg);
  caf::error open();
  void spawn_actors();
  void stop();
  size_t connections() const noexcept;
  size_t http_connections() const noexcept;

  node_context ctx_;
  std::vector<std::unique_ptr<loop>> loops_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
  std::string device_address_;
  std::string api_address_;
};

} // namespace stentor::actors
