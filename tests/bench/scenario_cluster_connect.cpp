// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_target.hpp"
#include "tests/bench/core_watch.hpp"
#include "tests/bench/crowds.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/scenarios_cluster.hpp"

#include <unistd.h>

namespace stentor::bench {

namespace {

constexpr int most_tries = 2; // a round takes some 8 s
constexpr size_t nodes_in_all = 3;
constexpr double redis_bytes_each = 400;
constexpr double redis_to_embedded = 0.6;
// After the last `welcome`: what the nodes still had to tell Redis is there.
constexpr unsigned rest_us = 1'500'000;

/// What one round came to; rates and CPU over all nodes together.
struct figures {
  double per_s = 0, node_cpu_us = 0, redis_cpu_us = 0, redis_bytes = 0, wait_p99_ms = 0;
  uint64_t tried_again = 0;
  uint64_t missing = 0; ///< not connected any more at the end
  bool is_disturbed = false;
};

/// `redis_core`: where it runs, if there is one.
caf::expected<figures> connect_all(const options &how, const cluster_target &nodes, int redis_core,
                                   unsigned source_net) {
  auto crowds = gather_crowds(how, nodes, how.node_devices, source_net);
  if (!crowds)
    return std::move(crowds.error());
  auto count = uint64_t{how.node_devices} * nodes.size();
  auto redis = nodes.redis();
  auto memory = redis ? redis->info("memory", "used_memory") : caf::expected<uint64_t>{0};
  if (!memory)
    return std::move(memory.error());
  std::vector<pid_t> generators, servers = nodes.pids();
  for (auto &crowd : *crowds)
    generators.push_back(crowd.pid());
  if (redis)
    (redis_core == how.server_core ? servers : generators).push_back(redis->pid());
  core_watch server_core{servers}, generator_core{generators};
  auto redis_cpu = redis ? cpu_of(redis->pid()) : cpu_time{};
  auto cpu = cpu_of(nodes.pids());
  auto begin = steady_ns();
  auto said = tell_all(*crowds, crowd_command::connect);
  auto end = steady_ns();
  if (!said)
    return std::move(said.error());
  auto each_us = [&](const cpu_time &spent) { return double(spent.total_ns) / 1e3 / double(count); };
  figures out;
  out.is_disturbed = server_core.kept_waiting_ns() + generator_core.kept_waiting_ns() > (end - begin) / 10;
  out.per_s = double(count) * 1e9 / double(end - begin);
  out.node_cpu_us = each_us(cpu_of(nodes.pids()) - cpu);
  out.wait_p99_ms = double(sum_of(*said).wait_p99_ns) / 1e6;
  if (redis)
    out.redis_cpu_us = each_us(cpu_of(redis->pid()) - redis_cpu);
  out.tried_again = sum_of(*said).tried_again;
  ::usleep(rest_us);
  if (redis) {
    auto after = redis->info("memory", "used_memory");
    if (!after)
      return std::move(after.error());
    out.redis_bytes = (double(*after) - double(*memory)) / double(count);
  }
  said = tell_all(*crowds, crowd_command::report);
  if (!said)
    return std::move(said.error());
  out.missing = count - sum_of(*said).connected;
  return out;
}

/// A way to keep presence, and its rounds.
struct variant {
  std::string name;
  bool with_redis;
  int redis_core;
  std::vector<figures> rounds{};

  std::vector<double> each(double figures::*field) const {
    std::vector<double> values;
    for (auto &x : rounds)
      values.push_back(x.*field);
    return values;
  }
};

} // namespace

caf::error run_cluster_connect(const options &how, report &out) {
  auto count = how.node_devices * nodes_in_all;
  auto what = "cluster, " + std::to_string(count) + " devices on 3 nodes";
  // Nodes have the server's core in all of them. Redis has a core of its own only in production: here it
  // shares the generator's, or the nodes'.
  std::vector<variant> variants{{", embedded directories", false, 0},
                                {", Redis", true, how.generator_core},
                                {", Redis on the nodes' core", true, how.server_core}};
  uint64_t repeated = 0, kept_disturbed = 0, missing = 0, tried_again = 0;
  unsigned begun = 0;
  auto run = [&](const variant &x, int round) -> caf::expected<figures> {
    how.progress(what + x.name + " " + std::to_string(round + 1) + "/" + std::to_string(how.connect_pairs));
    auto nodes = x.with_redis ? cluster_target::start(how, nodes_in_all, node_access::tokens(), x.redis_core)
                              : cluster_target::start_apart(how, nodes_in_all, node_access::tokens());
    if (!nodes)
      return std::move(nodes.error());
    // Addresses of its own each time: ports of the last one may still be waiting.
    auto source_net = 20 + begun++ % 70 * unsigned{nodes_in_all};
    return connect_all(how, **nodes, x.redis_core, source_net);
  };
  for (int i = 0; i < how.connect_pairs; ++i)
    for (size_t j = 0; j < variants.size(); ++j) {
      auto &x = variants[(j + static_cast<size_t>(i)) % variants.size()];
      auto round = run(x, i);
      for (int again = 0; round && round->is_disturbed && again < std::min(how.tries, most_tries); ++again) {
        ++repeated;
        round = run(x, i);
      }
      if (!round)
        return std::move(round.error());
      kept_disturbed += round->is_disturbed;
      missing += round->missing;
      tried_again += round->tried_again;
      x.rounds.push_back(*round);
    }

  auto is_standard = how.node_devices == 12'000;
  auto limit = [&](double value) { return is_standard ? std::optional{value} : std::nullopt; };
  auto &embedded = variants[0], &judged = variants[1];
  finding bytes{what + ": Redis memory each, B", {}, judged.each(&figures::redis_bytes)};
  bytes.compared = bytes.ours;
  bytes.compared_unit = "B";
  bytes.hold(limit(redis_bytes_each), "≤ 400 B");
  out.add(std::move(bytes));
  for (auto &x : variants) {
    finding rate{what + x.name + ": connections/s", {}, x.each(&figures::per_s)};
    if (x.with_redis) {
      rate.compared = ratios(rate.ours, embedded.each(&figures::per_s));
      rate.compared_unit = "× embedded";
    }
    if (&x == &judged)
      rate.hold_at_least(limit(redis_to_embedded), "≥ 0.6 × embedded");
    out.add(std::move(rate));
  }
  auto add = [&](const std::string &measure, const variant &x, double figures::*field) {
    out.add({what + x.name + ": " + measure, {}, x.each(field)});
  };
  for (auto &x : variants) {
    add("CPU of the nodes a connect, us", x, &figures::node_cpu_us);
    if (x.with_redis)
      add("CPU of Redis a connect, us", x, &figures::redis_cpu_us);
    add("wait of a device p99, ms", x, &figures::wait_p99_ms);
  }
  finding gone{what + ": not connected any more at the end"};
  gone.text = std::to_string(missing);
  gone.compared = {double(missing)};
  gone.compared_unit = "";
  gone.hold(0, "0");
  out.add(std::move(gone));
  if (repeated + kept_disturbed > 0)
    out.note(what + ": " + std::to_string(repeated) + " disturbed rounds repeated, " +
             std::to_string(kept_disturbed) + " still disturbed after the last try and kept.");
  if (tried_again > 0)
    out.note(what + ": " + std::to_string(tried_again) +
             " connections were lost on the way and tried again.");
  return {};
}

} // namespace stentor::bench
