// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_target.hpp"

#include "tests/bench/measure.hpp"
#include "tests/bench/try_out.hpp"

#include <unistd.h>

namespace stentor::bench {

namespace {

// A node that is ready may not know yet of one that became ready after it: it sees it with its next renewal.
constexpr uint64_t forming_limit_ns = 15'000'000'000;

} // namespace

std::string cluster_target::node_name(size_t i) {
  return std::string{"bench-"} + static_cast<char>('a' + i);
}

caf::expected<std::unique_ptr<cluster_target>> cluster_target::start(const options &how, size_t nodes,
                                                                     node_access access, int redis_core,
                                                                     admission admits) {
  std::unique_ptr<cluster_target> x{new cluster_target{std::move(access)}};
  auto redis = redis_process::start(how.redis_program, redis_core);
  if (!redis)
    return std::move(redis.error());
  x->redis_.emplace(std::move(*redis));
  for (size_t i = 0; i < nodes; ++i)
    if (auto failed = x->add_node(how,
                                  {"--node-id=" + node_name(i), "--cluster=bench",
                                   "--directory=" + x->redis_->url(), "--peer-listen=127.0.0.1:0"},
                                  admits))
      return failed;
  if (auto failed = x->try_out_all())
    return failed;
  return x;
}

caf::expected<std::unique_ptr<cluster_target>> cluster_target::start_apart(const options &how, size_t nodes,
                                                                           node_access access) {
  std::unique_ptr<cluster_target> x{new cluster_target{std::move(access)}};
  for (size_t i = 0; i < nodes; ++i) {
    if (auto failed =
            x->add_node(how, {"--node-id=" + node_name(i), "--directory=memory"}, admission::lifted))
      return failed;
    auto &at = x->nodes_.back().device_address();
    if (auto failed = try_out(at, at, x->access_))
      return failed;
  }
  return x;
}

caf::error cluster_target::add_node(const options &how, const std::vector<std::string> &own,
                                    admission admits) {
  auto log = how.server_log.empty() ? std::string{} : how.server_log + "." + node_name(nodes_.size());
  auto process =
      server_process::run({node_arguments(how, access_, own, admits), how.server_core, -1, log, {}});
  if (!process)
    return std::move(process.error());
  nodes_.push_back(std::move(*process));
  return {};
}

caf::error cluster_target::try_out_all() const {
  auto give_up = steady_ns() + forming_limit_ns;
  for (auto &from : nodes_)
    for (auto &to : nodes_)
      while (auto failed = try_out(from.device_address(), to.device_address(), access_)) {
        if (steady_ns() > give_up)
          return failed;
        ::usleep(100'000);
      }
  return {};
}

std::vector<pid_t> cluster_target::pids() const {
  std::vector<pid_t> result;
  for (auto &x : nodes_)
    result.push_back(x.pid());
  return result;
}

} // namespace stentor::bench
