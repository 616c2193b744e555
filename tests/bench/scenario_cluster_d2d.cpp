// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_target.hpp"
#include "tests/bench/device_dialect.hpp"
#include "tests/bench/floor_target.hpp"
#include "tests/bench/scenarios_cluster.hpp"

#include <cmath>

namespace stentor::bench {

namespace {

constexpr double across_to_same_node = 2.5;
constexpr double verdict_p50_us = 1'000;
constexpr double verdict_p99_us = 4'000, verdict_p99_to_floor = 5;

/// Two nodes, the floor, and the same pairs of devices on each: bare, both on one node, one on each node.
struct stage {
  std::unique_ptr<floor_target> floor;
  std::unique_ptr<cluster_target> nodes;
  // Fleets are declared behind their servers: they close first.
  device_dialect same_speaks{{format::msgpack, 's', want::none, {}}};
  device_dialect across_speaks{{format::msgpack, 'x', want::none, {}}};
  fleet same{2}, across{3};

  caf::error open(const options &how) {
    auto floor_started = floor_target::start(how.server_core);
    if (!floor_started)
      return std::move(floor_started.error());
    floor = std::move(*floor_started);
    auto cluster_started = cluster_target::start(how, 2, node_access::development(), how.server_core);
    if (!cluster_started)
      return std::move(cluster_started.error());
    nodes = std::move(*cluster_started);
    for (uint32_t i = 0; i < how.cluster_devices; ++i) {
      same.add(same_speaks, nodes->node(0).device_address());
      across.add(across_speaks, nodes->node(i % 2).device_address());
    }
    if (auto wave = floor->connect(how.cluster_devices, 256); !wave)
      return std::move(wave.error());
    for (auto *f : {&same, &across})
      if (auto wave = open_wave(*f, nodes->pids(), 256); !wave)
        return std::move(wave.error());
    return {};
  }

  round_times times(const options &how) {
    round_times result;
    result.measure_ns = static_cast<uint64_t>(how.seconds * 1e9);
    result.fleets = {&floor->connections(), &same, &across};
    return result;
  }
};

auto cpu_us = [](auto &x) { return x.cpu_us(); };
auto rate_of = [](auto &x) { return double(x.messages) * 1e9 / double(x.wall_ns); };

std::vector<double> latency_us(const std::vector<round_result> &rounds, double fraction) {
  return each(rounds, [&](auto &x) { return double(x.latency.percentile(fraction)) / 1e3; });
}
std::vector<double> verdict_us(const std::vector<round_result> &rounds, double fraction) {
  return each(rounds, [&](auto &x) { return double(x.verdict_delay.percentile(fraction)) / 1e3; });
}

} // namespace

caf::error run_cluster_d2d(const options &how, uint32_t window, report &out) {
  auto what = "cluster d2d, " + std::to_string(window) + " in flight";
  stage on;
  if (auto failed = on.open(how))
    return failed;
  auto times = on.times(how);
  auto run = [&](fleet &f, const std::vector<pid_t> &pids) {
    load_options wanted;
    wanted.streams = pairs_plan(how.cluster_devices);
    wanted.window = window;
    load traffic{f, std::move(wanted)};
    return run_round(f, traffic, pids, times);
  };
  // Both nodes count on both sides: the one without devices costs its leases and pings.
  std::vector<side> sides{{what + ", floor", [&] { return run(on.floor->connections(), {on.floor->pid()}); }},
                          {what + ", same node", [&] { return run(on.same, on.nodes->pids()); }},
                          {what + ", across nodes", [&] { return run(on.across, on.nodes->pids()); }}};
  auto all = run_interleaved(sides, how.pairs, how.tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;
  for (size_t i = 0; i < sides.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);

  auto &floor = all.rounds[0], &same = all.rounds[1], &across = all.rounds[2];
  out.add({sides[1].name + ": CPU of both nodes a message, us", each(floor, cpu_us), each(same, cpu_us)});
  finding cpu{sides[2].name + ": CPU of both nodes a message, us", each(floor, cpu_us), each(across, cpu_us)};
  cpu.compared = ratios(cpu.ours, each(same, cpu_us));
  cpu.compared_unit = "× same node";
  cpu.hold(window == 16 ? std::optional{across_to_same_node} : std::nullopt, "≤ 2.5 × same node");
  out.add(std::move(cpu));
  out.add({sides[2].name + ": messages/s", each(floor, rate_of), each(across, rate_of)});
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

caf::error run_cluster_open(const options &how, double rate, report &out) {
  auto what = "cluster open loop " + std::to_string(std::lround(rate)) + "/s";
  stage on;
  if (auto failed = on.open(how))
    return failed;
  on.across_speaks.set_want(want::written);
  on.same_speaks.set_want(want::written);
  auto times = on.times(how);
  times.spin = how.spin;
  auto run = [&](fleet &f, const std::vector<pid_t> &pids, bool verdicts) {
    load_options wanted;
    wanted.streams = pairs_plan(how.cluster_devices);
    wanted.rate = rate;
    wanted.wants_verdict = verdicts;
    load traffic{f, std::move(wanted)};
    return run_round(f, traffic, pids, times);
  };
  std::vector<side> sides{
      {what + ", floor", [&] { return run(on.floor->connections(), {on.floor->pid()}, false); }},
      {what + ", same node", [&] { return run(on.same, on.nodes->pids(), true); }},
      {what + ", across nodes", [&] { return run(on.across, on.nodes->pids(), true); }}};
  auto all = run_interleaved(sides, how.pairs, how.tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;
  for (size_t i = 0; i < sides.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);

  auto &floor = all.rounds[0], &same = all.rounds[1], &across = all.rounds[2];
  auto is_standard = rate == 5'000;
  for (auto [fraction, name] : {std::pair{0.5, "p50"}, std::pair{0.99, "p99"}})
    out.add({sides[1].name + ": verdict " + name + ", us", latency_us(floor, fraction),
             verdict_us(same, fraction)});
  finding p50{sides[2].name + ": verdict p50, us", latency_us(floor, 0.5), verdict_us(across, 0.5)};
  p50.compared = p50.ours;
  p50.compared_unit = "us";
  p50.hold(is_standard ? std::optional{verdict_p50_us} : std::nullopt, "≤ 1 ms");
  out.add(std::move(p50));
  finding p99{sides[2].name + ": verdict p99, us", latency_us(floor, 0.99), verdict_us(across, 0.99)};
  p99.compared = p99.ours;
  p99.compared_unit = "us";
  auto limit = std::max(verdict_p99_us, verdict_p99_to_floor * summarize(p99.floor).median);
  p99.hold(is_standard ? std::optional{limit} : std::nullopt, "≤ 4 ms or 5 × floor");
  out.add(std::move(p99));
  for (auto [fraction, name] : {std::pair{0.5, "p50"}, std::pair{0.99, "p99"}})
    out.add({sides[2].name + ": delivery " + name + ", us", latency_us(floor, fraction),
             latency_us(across, fraction)});
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

} // namespace stentor::bench
