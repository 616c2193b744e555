// SPDX-License-Identifier: Apache-2.0
// A cluster under test: nodes of one loop each, pinned to the server's core, and a redis-server; or the same
// nodes without each other, each with its embedded directory, to hold the cluster against. Owned by a
// scenario.
#pragma once

#include "tests/bench/redis_process.hpp"
#include "tests/bench/stentor_target.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace stentor::bench {

class cluster_target {
public:
  /// Starts redis-server on `redis_core` and `nodes` nodes, and waits until each of them delivers to each
  /// other.
  static caf::expected<std::unique_ptr<cluster_target>> start(const options &how, size_t nodes,
                                                              node_access access, int redis_core,
                                                              admission admits = admission::lifted);
  /// As many nodes that know nothing of each other.
  static caf::expected<std::unique_ptr<cluster_target>> start_apart(const options &how, size_t nodes,
                                                                    node_access access);

  /// The id of node `i`, from 0.
  static std::string node_name(size_t i);
  size_t size() const noexcept { return nodes_.size(); }
  const server_process &node(size_t i) const noexcept { return nodes_[i]; }
  std::vector<pid_t> pids() const;
  /// SIGKILL to a node, which stays in the list; returns at once.
  void kill_node(size_t i) const noexcept { nodes_[i].kill(); }
  /// Null where the nodes have embedded directories.
  const redis_process *redis() const noexcept { return redis_ ? &*redis_ : nullptr; }
  const node_access &access() const noexcept { return access_; }

private:
  explicit cluster_target(node_access access) : access_(std::move(access)) {}
  [[nodiscard]] caf::error add_node(const options &how, const std::vector<std::string> &own,
                                    admission admits);
  [[nodiscard]] caf::error try_out_all() const;

  node_access access_;
  std::optional<redis_process> redis_; ///< declared first: it ends after the nodes
  std::vector<server_process> nodes_;
};

} // namespace stentor::bench
