// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_target.hpp"
#include "tests/bench/device_dialect.hpp"
#include "tests/bench/floor_target.hpp"
#include "tests/bench/own_counters.hpp"
#include "tests/bench/scenarios_cluster.hpp"

#include <algorithm>

namespace stentor::bench {

namespace {

constexpr double first_p50_us = 3'000;
// Each try needs devices nobody has sent to yet, and a process has only so many descriptors.
constexpr int most_tries = 1;

std::vector<double> latency_us(const std::vector<round_result> &rounds, double fraction) {
  return each(rounds, [&](auto &x) { return double(x.latency.percentile(fraction)) / 1e3; });
}

/// `count` streams, each from the even device of a pair to its odd one; pairs from `first` on.
std::vector<stream_plan> contacts_plan(uint32_t first, uint32_t count) {
  std::vector<stream_plan> plan;
  for (uint32_t i = 0; i < count; ++i) {
    auto sender = (first + i) * 2;
    plan.push_back({sender, sender + 1, i, true});
  }
  return plan;
}

/// What rounds of one kind asked the routers, by message.
struct resolve_count {
  uint64_t asked = 0, messages = 0;
  double a_message() const { return messages ? double(asked) / double(messages) : 0; }
};

} // namespace

caf::error run_cluster_first(const options &how, report &out) {
  auto what = std::string{"cluster, first message to a device"};
  auto tries = std::min(how.tries, most_tries);
  auto contacts = how.first_contacts;
  auto pairs = contacts * static_cast<uint32_t>(how.pairs * (1 + tries));
  auto floor = floor_target::start(how.server_core);
  if (!floor)
    return std::move(floor.error());
  auto started = cluster_target::start(how, 2, node_access::development(), how.server_core);
  if (!started)
    return std::move(started.error());
  auto &nodes = **started;
  device_dialect speaks{{format::msgpack, 'f', want::none, {}}};
  fleet devices{2};
  for (uint32_t i = 0; i < pairs * 2; ++i)
    devices.add(speaks, nodes.node(i % 2).device_address());
  if (auto wave = (*floor)->connect(contacts * 2, 256); !wave)
    return std::move(wave.error());
  if (auto wave = open_wave(devices, nodes.pids(), 256); !wave)
    return std::move(wave.error());

  round_times times;
  times.warm_ns = 100'000'000;
  times.measure_ns = static_cast<uint64_t>(double(contacts) / how.first_rate * 1e9);
  times.fleets = {&(*floor)->connections(), &devices};
  auto run = [&](fleet &f, const std::vector<pid_t> &pids, uint32_t first_pair) {
    load_options wanted;
    wanted.streams = contacts_plan(first_pair, contacts);
    wanted.rate = how.first_rate;
    wanted.once = true;
    load traffic{f, std::move(wanted)};
    return run_round(f, traffic, pids, times);
  };
  auto run_counted = [&](uint32_t first_pair, resolve_count &count) {
    auto &api = nodes.node(0).api_address();
    auto before = own_counter(api, "stentor_resolves_total");
    auto round = run(devices, nodes.pids(), first_pair);
    count.asked += own_counter(api, "stentor_resolves_total") - before;
    count.messages += round.checked.sent;
    return round;
  };
  uint32_t fresh = 0, used = 0; // pairs
  resolve_count firsts, agains;
  std::vector<side> sides{
      {what + ", floor", [&] { return run((*floor)->connections(), {(*floor)->pid()}, 0); }},
      {what,
       [&] {
         used = fresh;
         fresh += contacts;
         return run_counted(used, firsts);
       }},
      {what + ", the same devices again", [&] { return run_counted(used, agains); }}};
  auto all = run_interleaved(sides, how.pairs, tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;
  for (size_t i = 0; i < sides.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);

  auto &bare = all.rounds[0], &first = all.rounds[1], &again = all.rounds[2];
  finding p50{what + ": delivery p50, us", latency_us(bare, 0.5), latency_us(first, 0.5)};
  p50.compared = p50.ours;
  p50.compared_unit = "us";
  p50.hold(first_p50_us, "≤ 3 ms");
  out.add(std::move(p50));
  out.add({what + ": delivery p99, us", latency_us(bare, 0.99), latency_us(first, 0.99)});
  out.add({sides[2].name + ": delivery p50, us", latency_us(bare, 0.5), latency_us(again, 0.5)});
  finding resolves{what + ": questions to routers a message, first / again"};
  char text[64];
  std::snprintf(text, sizeof text, "%.2f / %.2f", firsts.a_message(), agains.a_message());
  resolves.text = text;
  // Less would mean that paths were known: what is measured here would not have happened.
  resolves.compared = {firsts.a_message()};
  resolves.compared_unit = "";
  resolves.hold_at_least(0.99, "≥ 0.99, first");
  out.add(std::move(resolves));
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

} // namespace stentor::bench
