// SPDX-License-Identifier: Apache-2.0
// One Stentor node: the wiring of loops, routers, directory and inspector, from start to the end of a drain.
// Built, used and destroyed on one thread (main, or a test's); each loop has a thread of its own.
#pragma once

#include "actors/core/node_context.hpp"
#include "actors/loop.hpp"
#include "actors/mesh/mesh.hpp"

#include <caf/expected.hpp>

#include <functional>
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
  /// Takes no more devices, asks those it has to leave, closes in order, stops. Waits no longer for devices
  /// once `is_hurried`, asked every 20 ms, says so; their sockets are still closed in order.
  drain_summary drain(const std::function<bool()> &is_hurried = [] { return false; });

  /// The node takes devices. A single node does from the start.
  bool is_joined() const noexcept { return ctx_.view->open_loops >= loops_.size(); }
  /// This incarnation is over: `abandon`, then start another.
  bool is_lost() const noexcept { return ctx_.view->lost; }
  /// The operator wants it to drain.
  bool is_drain_asked() const noexcept { return ctx_.view->drain_asked; }
  /// Sends the devices elsewhere without any other word, and stops.
  void abandon();

  const std::string &device_address() const noexcept { return device_address_; }
  const std::string &api_address() const noexcept { return api_address_; }
  /// Where peers connect; empty on a single node.
  const std::string &peer_address() const noexcept { return peer_address_; }
  node_context &context() noexcept { return ctx_; }

private:
  node(caf::actor_system &sys, config cfg);
  caf::error open();
  caf::error spawn_actors();
  caf::expected<std::shared_ptr<storage::directory>> open_directory(std::chrono::milliseconds timeout);
  caf::error join_cluster(const std::vector<caf::strong_actor_ptr> &inboxes,
                          const std::vector<caf::strong_actor_ptr> &routers);
  std::chrono::milliseconds longest_drain() const;
  void wait_for_end_of_connections(std::chrono::milliseconds most, const std::function<bool()> &is_hurried);
  void settle_messages();
  void stop();
  void give_up_lease();
  void end(std::vector<caf::actor> actors);
  size_t connections() const noexcept;
  size_t open_verdicts() const noexcept;
  size_t http_connections() const noexcept;

  node_context ctx_;
  std::vector<std::unique_ptr<loop>> loops_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
  std::string device_address_;
  std::string api_address_;
  std::string peer_address_;
  membership_actor membership_;
  auditor_actor auditor_;
  std::optional<mesh_handle> mesh_;
};

} // namespace stentor::actors
