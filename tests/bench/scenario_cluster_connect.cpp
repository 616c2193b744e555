// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_target.hpp"
#include "tests/bench/crowd_process.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/scenarios_cluster.hpp"

#include <unistd.h>

namespace stentor::bench {

namespace {

constexpr size_t nodes_in_all = 3;
constexpr double redis_bytes_each = 400;
constexpr double redis_to_embedded = 0.6;
// After the last `welcome`: what the nodes still had to tell Redis is there.
constexpr unsigned rest_us = 1'500'000;

/// What one round of one side came to; rates and CPU over all nodes together.
struct figures {
  std::vector<double> per_s, node_cpu_us, redis_cpu_us, redis_bytes, wait_p99_ms;
};

struct totals {
  uint64_t tried_again = 0;
  uint64_t missing = 0; ///< not connected any more at the end of their round
};

/// A crowd for each node; tokens are signed, nobody is connected.
caf::expected<std::vector<crowd_process>> gather(const options &how, const cluster_target &nodes,
                                                 unsigned source_net) {
  std::vector<crowd_process> crowds;
  for (size_t i = 0; i < nodes.size(); ++i) {
    crowd_plan plan;
    plan.server = net::to_string(nodes.node(i).device_address());
    plan.secret = nodes.access().secret();
    plan.devices = how.node_devices;
    plan.first = static_cast<uint32_t>(i) * how.node_devices;
    plan.source_net = source_net + static_cast<unsigned>(i);
    auto crowd = crowd_process::start(plan, how.generator_core);
    if (!crowd)
      return std::move(crowd.error());
    crowds.push_back(std::move(*crowd));
  }
  return crowds;
}

/// All crowds at once; returns the sum of what they say, with the longest p99.
caf::expected<crowd_report> tell_all(const std::vector<crowd_process> &crowds, crowd_command command) {
  for (auto &crowd : crowds)
    if (auto failed = crowd.tell(command))
      return failed;
  crowd_report sum;
  for (auto &crowd : crowds) {
    auto said = crowd.answer();
    if (!said)
      return said;
    sum.connected += said->connected;
    sum.tried_again += said->tried_again;
    sum.wait_p99_ns = std::max(sum.wait_p99_ns, said->wait_p99_ns);
  }
  return sum;
}

caf::error connect_all(const options &how, const cluster_target &nodes, unsigned source_net, figures &out,
                       totals &all) {
  auto crowds = gather(how, nodes, source_net);
  if (!crowds)
    return std::move(crowds.error());
  auto count = uint64_t{how.node_devices} * nodes.size();
  auto redis = nodes.redis();
  auto memory = redis ? redis->info("memory", "used_memory") : caf::expected<uint64_t>{0};
  if (!memory)
    return std::move(memory.error());
  auto redis_cpu = redis ? cpu_of(redis->pid()) : cpu_time{};
  auto cpu = cpu_of(nodes.pids());
  auto begin = steady_ns();
  auto said = tell_all(*crowds, crowd_command::connect);
  auto end = steady_ns();
  if (!said)
    return std::move(said.error());
  auto each_us = [&](const cpu_time &spent) { return double(spent.total_ns) / 1e3 / double(count); };
  out.per_s.push_back(double(count) * 1e9 / double(end - begin));
  out.node_cpu_us.push_back(each_us(cpu_of(nodes.pids()) - cpu));
  out.wait_p99_ms.push_back(double(said->wait_p99_ns) / 1e6);
  if (redis)
    out.redis_cpu_us.push_back(each_us(cpu_of(redis->pid()) - redis_cpu));
  all.tried_again += said->tried_again;
  ::usleep(rest_us);
  if (redis) {
    auto after = redis->info("memory", "used_memory");
    if (!after)
      return std::move(after.error());
    out.redis_bytes.push_back((double(*after) - double(*memory)) / double(count));
  }
  said = tell_all(*crowds, crowd_command::report);
  if (!said)
    return std::move(said.error());
  all.missing += count - said->connected;
  return {};
}

} // namespace

caf::error run_cluster_connect(const options &how, report &out) {
  auto count = how.node_devices * nodes_in_all;
  auto what = "cluster, " + std::to_string(count) + " devices on 3 nodes";
  figures embedded, shared;
  totals all;
  auto run = [&](int round, bool with_redis) -> caf::error {
    how.progress(what + (with_redis ? ", Redis " : ", embedded ") + std::to_string(round + 1) + "/" +
                 std::to_string(how.connect_pairs));
    auto nodes = with_redis ? cluster_target::start(how, nodes_in_all, node_access::tokens())
                            : cluster_target::start_apart(how, nodes_in_all, node_access::tokens());
    if (!nodes)
      return std::move(nodes.error());
    // Addresses of its own each time: ports of the last one may still be waiting.
    auto source_net = 20 + static_cast<unsigned>(round % 30 * 2 + with_redis) * unsigned{nodes_in_all};
    return connect_all(how, **nodes, source_net, with_redis ? shared : embedded, all);
  };
  for (int i = 0; i < how.connect_pairs; ++i)
    for (auto with_redis : {i % 2 == 1, i % 2 == 0})
      if (auto failed = run(i, with_redis))
        return failed;

  auto is_standard = how.node_devices == 12'000;
  auto limit = [&](double value) { return is_standard ? std::optional{value} : std::nullopt; };
  auto add = [&](const std::string &measure, const std::vector<double> &values) {
    finding x{what + measure};
    x.ours = values;
    out.add(std::move(x));
  };
  finding bytes{what + ": Redis memory each, B", {}, shared.redis_bytes, shared.redis_bytes, "B"};
  bytes.hold(limit(redis_bytes_each), "≤ 400 B");
  out.add(std::move(bytes));
  add(", embedded directories: connections/s", embedded.per_s);
  finding rate{what + ", one Redis: connections/s", {}, shared.per_s};
  rate.compared = ratios(shared.per_s, embedded.per_s);
  rate.compared_unit = "× embedded";
  rate.hold_at_least(limit(redis_to_embedded), "≥ 0.6 × embedded");
  out.add(std::move(rate));
  add(", embedded directories: CPU of the nodes a connect, us", embedded.node_cpu_us);
  add(", one Redis: CPU of the nodes a connect, us", shared.node_cpu_us);
  add(", one Redis: CPU of Redis a connect, us", shared.redis_cpu_us);
  add(", embedded directories: wait of a device p99, ms", embedded.wait_p99_ms);
  add(", one Redis: wait of a device p99, ms", shared.wait_p99_ms);
  finding missing{what + ": not connected any more at the end"};
  missing.text = std::to_string(all.missing);
  missing.compared = {double(all.missing)};
  missing.compared_unit = "";
  missing.hold(0, "0");
  out.add(std::move(missing));
  if (all.tried_again > 0)
    out.note(what + ": " + std::to_string(all.tried_again) + " connections were lost on the way and tried again.");
  return {};
}

} // namespace stentor::bench
