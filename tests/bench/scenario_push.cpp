// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_target.hpp"
#include "tests/bench/http_dialect.hpp"
#include "tests/bench/scenarios.hpp"
#include "tests/bench/stentor_target.hpp"

namespace stentor::bench {

caf::error run_push(const options &how, report &out) {
  auto what = "push, " + std::to_string(how.back_ends) + " connections";
  auto floor = floor_target::start(how.server_core);
  if (!floor)
    return std::move(floor.error());
  // The floor's pattern is the same without HTTP and without an answer: a frame each, the next one once it
  // has arrived.
  if (auto wave = (*floor)->connect(how.devices + how.back_ends, 256); !wave)
    return std::move(wave.error());
  std::unique_ptr<stentor_target> server;
  device_dialect devices{{format::msgpack, 'm', want::none, {}}};
  http_dialect single{devices, format::msgpack, false};
  http_dialect batch{devices, format::msgpack, true};
  fleet connections{2};
  if (!how.server_program.empty()) {
    auto started = stentor_target::start(how, node_access::development());
    if (!started)
      return std::move(started.error());
    server = std::move(*started);
    for (uint32_t i = 0; i < how.devices; ++i)
      connections.add(devices, server->device_address());
    for (auto *speaks : {&single, &batch})
      for (uint32_t i = 0; i < how.back_ends; ++i)
        connections.add(*speaks, server->api_address());
    if (auto wave = open_wave(connections, {server->pid()}, 256); !wave)
      return std::move(wave.error());
  }

  round_times times;
  times.measure_ns = static_cast<uint64_t>(how.seconds * 1e9);
  times.fleets = {&(*floor)->connections(), &connections};
  auto run = [&](fleet &f, pid_t pid, uint32_t first_source, uint32_t messages, bool answers) {
    load_options wanted;
    wanted.streams = push_plan(how.devices, first_source, how.back_ends);
    wanted.batch = messages;
    wanted.answers = answers;
    load traffic{f, std::move(wanted)};
    return run_round(f, traffic, {pid}, times);
  };
  std::vector<side> sides{{what + ", floor", [&] {
                             return run((*floor)->connections(), (*floor)->pid(), how.devices, 1, false);
                           }}};
  // The floor once more as in d2d with 1 in flight: sixteen frames at a time leave it idle in between, and
  // each wake-up counts. A reader shall see both.
  sides.push_back({what + ", floor with all devices busy", [&] {
                     load_options wanted;
                     wanted.streams = pairs_plan(how.devices);
                     load traffic{(*floor)->connections(), std::move(wanted)};
                     return run_round((*floor)->connections(), traffic, {(*floor)->pid()}, times);
                   }});
  if (server) {
    sides.push_back({what, [&] { return run(connections, server->pid(), how.devices, 1, true); }});
    sides.push_back({what + ", batch", [&] {
                       return run(connections, server->pid(), how.devices + how.back_ends, how.batch, true);
                     }});
  }
  auto all = run_interleaved(sides, how.pairs, how.tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;
  for (size_t i = 0; i < sides.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);

  auto cpu = [](auto &x) { return x.cpu_us(); };
  auto p50 = [](auto &x) { return double(x.latency.percentile(0.5)) / 1e3; };
  auto rate = [](auto &x) { return double(x.messages) * 1e9 / double(x.wall_ns); };
  constexpr size_t same_pattern = 0, busy = 1, single_push = 2, batch_push = 3;
  auto add = [&](const std::string &variant, size_t floors, size_t which, auto value,
                 std::optional<double> limit) {
    finding x{what + variant, each(all.rounds[floors], value)};
    if (which < all.rounds.size())
      x.ours = each(all.rounds[which], value);
    x.hold(limit, "≤ 2.7 × floor");
    out.add(std::move(x));
  };
  auto limit = how.back_ends == 16 ? std::optional{2.7} : std::nullopt;
  auto batches = ", batch of " + std::to_string(how.batch);
  add(", verdict written: CPU a message, us", same_pattern, single_push, cpu, limit);
  add(", verdict written: CPU a message, us, beside d2d with 1 in flight", busy, single_push, cpu, {});
  add(", verdict written: messages/s", same_pattern, single_push, rate, {});
  if (server) {
    add(batches + ": CPU a message, us", same_pattern, batch_push, cpu, {});
    add(batches + ": messages/s", same_pattern, batch_push, rate, {});
  }
  add(": latency p50 to the device, us", same_pattern, single_push, p50, {});
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

} // namespace stentor::bench
