// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/device_dialect.hpp"
#include "tests/bench/floor_target.hpp"
#include "tests/bench/own_counters.hpp"
#include "tests/bench/scenarios.hpp"
#include "tests/bench/stentor_target.hpp"
#include "tests/bench/system_calls.hpp"

#include <cmath>
#include <cstdio>
#include <memory>

namespace stentor::bench {

namespace {

/// The bars of the standard pattern, by window. Nothing for other patterns.
struct bars {
  std::optional<double> cpu_ratio, user_us, system_calls, written_ratio;
};
bars bars_of(uint32_t window, double rate) {
  if (rate > 0)
    return {};
  if (window == 1)
    return {1.7, 2.5, 3.2, 1.9};
  if (window == 16)
    return {0.6, 1.6, 0.5, 1.6};
  return {};
}

std::string at_most(std::optional<double> limit, const char *unit) {
  char text[64];
  if (limit)
    std::snprintf(text, sizeof text, "≤ %.2g %s", *limit, unit);
  return limit ? text : "";
}

/// One fleet of the pattern and how its rounds are run.
struct talker {
  std::string name;
  fleet *connections;
  pid_t server;
  want wants;
  device_dialect *speaks;   ///< null: the floor
  counter_reader own_calls; ///< what the server says of itself
};

round_result run_one(const talker &who, const options &how, uint32_t window, double rate,
                     const round_times &times, const counter_reader &calls = {}) {
  if (who.speaks)
    who.speaks->set_want(who.wants);
  load_options wanted;
  wanted.streams = pairs_plan(how.devices);
  wanted.window = window;
  wanted.rate = rate;
  wanted.wants_verdict = who.speaks && who.wants == want::written;
  load traffic{*who.connections, std::move(wanted)};
  return run_round(*who.connections, traffic, {who.server}, times, calls);
}

/// System calls a message in one round of their own, because counting slows them. Counted by the kernel, or,
/// where this machine does not let us, by the servers themselves.
std::vector<double> count_calls(const talker &who, const options &how, uint32_t window, double rate,
                                round_times times) {
  system_call_meter meter{who.server};
  times.measure_ns = 1'000'000'000;
  counter_reader reader = who.own_calls;
  if (meter.is_available())
    reader = [&] { return meter.read(); };
  auto round = run_one(who, how, window, rate, times, reader);
  if (round.messages == 0 || round.system_calls == 0)
    return {};
  return {round.per_message(static_cast<double>(round.system_calls))};
}

/// User-space CPU a message. Its split comes from timer ticks, so it is judged pooled over all rounds.
std::vector<double> user_us(const std::vector<round_result> &rounds) {
  return each(rounds, [](auto &x) { return x.per_message(user_ns(x.server) / 1e3); });
}
double pooled_user_us(const std::vector<round_result> &rounds) {
  cpu_time sum;
  uint64_t messages = 0;
  for (auto &x : rounds) {
    sum = sum + x.server;
    messages += x.messages;
  }
  return messages ? user_ns(sum) / 1e3 / static_cast<double>(messages) : 0;
}

auto cpu_us = [](auto &x) { return x.cpu_us(); };
auto rate_of = [](auto &x) { return double(x.messages) * 1e9 / double(x.wall_ns); };
double us(const round_result &x, double fraction) {
  return double(x.latency.percentile(fraction)) / 1e3;
}

round_times times_of(const options &how, const std::vector<talker> &talkers) {
  round_times times;
  times.measure_ns = static_cast<uint64_t>(how.seconds * 1e9);
  for (auto &who : talkers)
    times.fleets.push_back(who.connections);
  return times;
}

/// p50 and p99 where they are judged, and the whole distribution as text.
void add_latencies(report &out, const std::string &what, const interleaved &all, bool judged) {
  auto values = [&](size_t side, double fraction) {
    return side < all.rounds.size() ? each(all.rounds[side], [&](auto &x) { return us(x, fraction); })
                                    : std::vector<double>{};
  };
  auto text = [&](size_t side) {
    std::string joined;
    for (auto fraction : {0.5, 0.99, 0.999, 1.0})
      joined += (joined.empty() ? "" : " / ") +
                std::to_string(std::lround(summarize(values(side, fraction)).median));
    return side < all.rounds.size() ? joined : std::string{};
  };
  if (judged && all.rounds.size() > 1) {
    finding p50{what + ": latency p50, us", values(0, 0.5), values(1, 0.5)};
    p50.hold(1.4, "≤ 1.4 × floor");
    out.add(std::move(p50));
    finding p99{what + ": latency p99, us", values(0, 0.99), values(1, 0.99)};
    for (size_t i = 0; i < p99.ours.size(); ++i)
      p99.compared.push_back(p99.ours[i] - p99.floor[i]);
    p99.compared_unit = "us more";
    p99.hold(1'000, "≤ floor + 1000 us");
    out.add(std::move(p99));
  }
  finding whole{what + ": latency p50 / p99 / p99.9 / max, us"};
  whole.floor_text = text(0);
  whole.text = text(1);
  out.add(std::move(whole));
}

/// The floor and, where there is a server, the fleets that talk over it.
struct cast {
  std::string what;
  std::vector<talker> talkers; ///< the floor first, then ours without verdicts
  std::unique_ptr<floor_target> floor;
  std::unique_ptr<stentor_target> server;
  // Fleets are declared behind their servers: they close first.
  device_dialect msgpack{{format::msgpack, 'm', want::none, {}}};
  device_dialect json{{format::json, 'j', want::none, {}}};
  fleet msgpack_fleet{2}, json_fleet{3};

  caf::error start_floor(const options &how) {
    auto started = floor_target::start(how.server_core);
    if (!started)
      return std::move(started.error());
    floor = std::move(*started);
    if (auto wave = floor->connect(how.devices, 256); !wave)
      return std::move(wave.error());
    talkers.push_back({what + ", floor", &floor->connections(), floor->pid(), want::none, nullptr,
                       [this] { return own_system_calls(floor->counters()); }});
    return {};
  }

  caf::error start_server(const options &how) {
    auto started = stentor_target::start(how, node_access::development());
    if (!started)
      return std::move(started.error());
    server = std::move(*started);
    return {};
  }

  caf::error join(const options &how, fleet &f, device_dialect &speaks) {
    for (uint32_t i = 0; i < how.devices; ++i)
      f.add(speaks, server->device_address());
    auto wave = open_wave(f, {server->pid()}, 256);
    return wave ? caf::error{} : std::move(wave.error());
  }

  void add(const std::string &variant, fleet &f, device_dialect &speaks, want wants) {
    talkers.push_back({what + variant, &f, server->pid(), wants, &speaks,
                       [this] { return own_system_calls(server->api_address()); }});
  }
};

void add_floor_findings(report &out, const std::string &what, const std::vector<round_result> &rounds,
                        std::vector<double> calls) {
  out.add({what + ": CPU a message, us", each(rounds, cpu_us)});
  out.add({what + ": user-space CPU a message, us", user_us(rounds)});
  out.add({what + ": system calls a message", std::move(calls)});
  out.add({what + ": messages/s", each(rounds, rate_of)});
}

void add_findings(report &out, const talker &who, const bars &limits, const std::vector<round_result> &floor,
                  const std::vector<double> &floor_calls, const std::vector<round_result> &rounds,
                  const std::vector<double> &calls) {
  finding cpu{who.name + ": CPU a message, us", each(floor, cpu_us), each(rounds, cpu_us)};
  cpu.hold(limits.cpu_ratio, at_most(limits.cpu_ratio, "× floor"));
  out.add(std::move(cpu));
  finding user{who.name + ": user-space CPU a message, us", user_us(floor), user_us(rounds)};
  user.compared = {pooled_user_us(rounds)};
  user.compared_unit = "us";
  user.hold(limits.user_us, at_most(limits.user_us, "us"));
  out.add(std::move(user));
  finding system{who.name + ": system calls a message", floor_calls, calls, calls};
  system.compared_unit = "";
  system.hold(limits.system_calls, at_most(limits.system_calls, ""));
  out.add(std::move(system));
  out.add({who.name + ": messages/s", each(floor, rate_of), each(rounds, rate_of)});
}

void add_against(report &out, const std::string &what, const std::vector<round_result> &other,
                 std::vector<double> other_calls, const std::vector<round_result> &ours,
                 std::vector<double> calls) {
  out.add({what + ": CPU a message, us", each(other, cpu_us), each(ours, cpu_us)});
  finding user{what + ": user-space CPU a message, us", user_us(other), user_us(ours)};
  user.compared = ratios({pooled_user_us(ours)}, {pooled_user_us(other)});
  out.add(std::move(user));
  out.add({what + ": system calls a message", std::move(other_calls), std::move(calls)});
  out.add({what + ": messages/s", each(other, rate_of), each(ours, rate_of)});
}

} // namespace

caf::error run_d2d(const options &how, uint32_t window, double rate, report &out) {
  auto what = rate > 0 ? "d2d, open loop " + std::to_string(std::lround(rate)) + "/s"
                       : "d2d, " + std::to_string(window) + " in flight";
  cast all_sides;
  all_sides.what = what;
  if (auto failed = all_sides.start_floor(how))
    return failed;
  if (!how.server_program.empty()) {
    if (auto failed = all_sides.start_server(how))
      return failed;
    if (auto failed = all_sides.join(how, all_sides.msgpack_fleet, all_sides.msgpack))
      return failed;
    all_sides.add("", all_sides.msgpack_fleet, all_sides.msgpack, want::none);
    if (how.written && rate <= 0)
      all_sides.add(", want written", all_sides.msgpack_fleet, all_sides.msgpack, want::written);
    if (how.json && rate <= 0) {
      if (auto failed = all_sides.join(how, all_sides.json_fleet, all_sides.json))
        return failed;
      all_sides.add(", JSON", all_sides.json_fleet, all_sides.json, want::none);
    }
  }

  auto &talkers = all_sides.talkers;
  auto times = times_of(how, talkers);
  times.spin = how.spin && rate > 0;
  std::vector<side> sides;
  for (auto &who : talkers)
    sides.push_back({who.name, [&] { return run_one(who, how, window, rate, times); }});
  auto all = run_interleaved(sides, how.pairs, how.tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;

  how.progress(what + ", system calls");
  if (!system_call_meter{all_sides.floor->pid()}.is_available())
    out.note(what +
             ": system calls are what the servers counted themselves; the kernel's own count needs perf "
             "events and tracefs (root).");
  auto floor_calls = count_calls(talkers[0], how, window, rate, times);
  for (size_t i = 0; i < talkers.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);
  if (talkers.size() == 1)
    add_floor_findings(out, what, all.rounds[0], floor_calls);
  auto limits = bars_of(window, rate);
  for (size_t i = 1; i < talkers.size(); ++i) {
    auto &who = talkers[i];
    auto is_judged = i == 1; // MessagePack without verdicts; the others are reported
    add_findings(out, who, is_judged ? limits : bars{}, all.rounds[0], floor_calls, all.rounds[i],
                 count_calls(who, how, window, rate, times));
    if (who.wants != want::written)
      continue;
    finding verdicts{
        who.name + ": CPU a message, us, beside ours without verdicts", {}, each(all.rounds[i], cpu_us)};
    verdicts.compared = ratios(verdicts.ours, each(all.rounds[1], cpu_us));
    verdicts.hold(limits.written_ratio, at_most(limits.written_ratio, "× none"));
    out.add(std::move(verdicts));
  }
  add_latencies(out, what, all, rate == 10'000);
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

caf::error run_d2d_against(const options &how, uint32_t window, report &out) {
  auto what = "d2d, " + std::to_string(window) + " in flight";
  cast other, ours;
  other.what = what + ", against";
  ours.what = what;
  for (auto *x : {&other, &ours}) {
    auto program = x == &ours ? how : of_other(how);
    if (auto failed = x->start_server(program))
      return failed;
    if (auto failed = x->join(program, x->msgpack_fleet, x->msgpack))
      return failed;
    x->add("", x->msgpack_fleet, x->msgpack, want::none);
    if (how.written)
      x->add(", want written", x->msgpack_fleet, x->msgpack, want::written);
  }
  std::vector<talker> talkers; // the other's and ours in turn
  for (size_t i = 0; i < ours.talkers.size(); ++i)
    for (auto *x : {&other, &ours})
      talkers.push_back(x->talkers[i]);

  auto times = times_of(how, talkers);
  std::vector<side> sides;
  for (auto &who : talkers)
    sides.push_back({who.name, [&] { return run_one(who, how, window, 0, times); }});
  auto all = run_interleaved(sides, how.pairs, how.tries, how.progress);
  if (auto failed = check_rounds(all, sides))
    return failed;
  for (size_t i = 0; i < sides.size(); ++i)
    out.keep(what, sides[i].name, all.rounds[i]);
  how.progress(what + ", system calls");
  for (size_t i = 0; i < sides.size(); i += 2)
    add_against(out, sides[i + 1].name, all.rounds[i], count_calls(talkers[i], how, window, 0, times),
                all.rounds[i + 1], count_calls(talkers[i + 1], how, window, 0, times));
  add_verification(out, what, all);
  note_disturbances(out, what, all);
  return {};
}

} // namespace stentor::bench
