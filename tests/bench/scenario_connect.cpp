// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/device_dialect.hpp"
#include "tests/bench/floor_target.hpp"
#include "tests/bench/scenarios.hpp"
#include "tests/bench/stentor_target.hpp"

namespace stentor::bench {

namespace {

// Handshakes under way at a time while connections are counted and weighed; the herd has no such limit.
constexpr size_t steady_at_once = 128;

/// Serves the fleet's heartbeats for a while.
void rest(fleet &f, uint64_t ns) {
  for (auto end = steady_ns() + ns; steady_ns() < end;)
    f.turn(1'000'000);
}

/// A server with `count` devices that hold tokens, not connected yet.
struct crowd {
  std::unique_ptr<stentor_target> server;
  std::unique_ptr<device_dialect> speaks;
  std::unique_ptr<fleet> connections; ///< declared last: it closes first

  static caf::expected<crowd> make(const options &how, uint32_t count, uint8_t source_net) {
    auto started = stentor_target::start(how, node_access::tokens());
    if (!started)
      return std::move(started.error());
    crowd x{std::move(*started), nullptr, std::make_unique<fleet>(source_net)};
    device_dialect names{{format::msgpack, 'm', want::none, {}}};
    std::vector<std::string> tokens;
    for (uint32_t i = 0; i < count; ++i) {
      auto token = x.server->access().token(names.device_name(i), names.account_name(i));
      if (!token)
        return std::move(token.error());
      tokens.push_back(std::move(*token));
    }
    x.speaks = std::make_unique<device_dialect>(
        device_dialect_options{format::msgpack, 'm', want::none, std::move(tokens)});
    for (uint32_t i = 0; i < count; ++i)
      x.connections->add(*x.speaks, x.server->device_address());
    return x;
  }
};

struct weight {
  double user_kib = 0, private_kib = 0, kernel_kib = 0;
};
weight weigh(const memory_use &before, const memory_use &after, const kernel_memory &kernel_before,
             const kernel_memory &kernel_after, double count) {
  auto kib = [&](uint64_t a, uint64_t b) { return (double(b) - double(a)) / 1024 / count; };
  // Both ends of every connection are on this machine: half is the server's.
  return {kib(before.pss_bytes, after.pss_bytes), kib(before.private_bytes, after.private_bytes),
          (kib(kernel_before.tcp_buffer_bytes, kernel_after.tcp_buffer_bytes) +
           kib(kernel_before.slab_bytes, kernel_after.slab_bytes)) /
              2};
}

struct connect_figures {
  std::vector<double> cpu_us, per_s, user_kib, private_kib, kernel_kib;

  void add(const wave_result &wave, const weight &w) {
    cpu_us.push_back(wave.cpu_us());
    per_s.push_back(double(wave.connections) * 1e9 / double(wave.wall_ns));
    user_kib.push_back(w.user_kib);
    private_kib.push_back(w.private_kib);
    kernel_kib.push_back(w.kernel_kib);
  }
};

/// Opens all of `f` and weighs the server before and after.
template <class Open>
caf::error connect_once(fleet &f, pid_t pid, uint32_t count, connect_figures &out, uint64_t &lost,
                        Open open) {
  auto memory = memory_of(pid);
  auto kernel = kernel_socket_memory();
  caf::expected<wave_result> wave = open();
  if (!wave)
    return std::move(wave.error());
  lost += wave->lost;
  rest(f, 500'000'000);
  out.add(*wave, weigh(memory, memory_of(pid), kernel, kernel_socket_memory(), count));
  return {};
}

/// The same with a fresh server, `repetition` of them before it.
caf::error connect_crowd(const options &how, int repetition, connect_figures &out, uint64_t &lost) {
  auto x = crowd::make(how, how.idle_devices, static_cast<uint8_t>(10 + repetition % 100));
  if (!x)
    return std::move(x.error());
  auto open = [&] { return open_wave(*x->connections, {x->server->pid()}, steady_at_once); };
  return connect_once(*x->connections, x->server->pid(), how.idle_devices, out, lost, open);
}

/// What is reported and not judged.
void add_rest(report &out, const std::string &what, const connect_figures &beside,
              const connect_figures &ours, uint64_t lost) {
  auto add = [&](const std::string &measure, auto &theirs, auto &own) {
    out.add({what + ": " + measure, theirs, own});
  };
  add("private server memory each, KiB", beside.private_kib, ours.private_kib);
  add("kernel socket memory each (one end), KiB", beside.kernel_kib, ours.kernel_kib);
  add("connections/s, " + std::to_string(steady_at_once) + " under way", beside.per_s, ours.per_s);
  if (lost > 0)
    out.note(what + ": " + std::to_string(lost) + " connections were lost on the way and tried again.");
}

/// Connects everybody, cuts everybody off, leaves the server a moment to see it, and measures how all come
/// back at once. Closes them at the end: both sides at a time would need more descriptors than a process has.
template <class Open>
caf::expected<wave_result> cut_and_return(fleet &f, Open open) {
  if (auto wave = open(steady_at_once); !wave)
    return wave;
  f.close_all(true);
  rest(f, 1'000'000'000);
  auto wave = open(everybody);
  f.close_all(true);
  rest(f, 200'000'000);
  return wave;
}

} // namespace

caf::error run_idle(const options &how, report &out) {
  auto count = how.idle_devices;
  auto what = "idle, " + std::to_string(count) + " devices";
  connect_figures floor, ours;
  uint64_t lost = 0;
  for (int i = 0; i < how.pairs; ++i) {
    how.progress(what + " " + std::to_string(i + 1) + "/" + std::to_string(how.pairs));
    {
      auto target = floor_target::start(how.server_core);
      if (!target)
        return std::move(target.error());
      auto &f = (*target)->connections();
      auto open = [&] { return (*target)->connect(count, steady_at_once); };
      if (auto failed = connect_once(f, (*target)->pid(), count, floor, lost, open))
        return failed;
    }
    if (how.server_program.empty())
      continue;
    if (auto failed = connect_crowd(how, i, ours, lost))
      return failed;
  }
  auto is_standard = count >= 15'000;
  auto limit = [&](double value) { return is_standard ? std::optional{value} : std::nullopt; };
  finding cpu{what + ": CPU of connect + token + bind, us", floor.cpu_us, ours.cpu_us};
  cpu.hold(limit(3.5), "≤ 3.5 × floor's accept");
  out.add(std::move(cpu));
  finding memory{what + ": server memory each, KiB", floor.user_kib, ours.user_kib, ours.user_kib, "KiB"};
  memory.hold(limit(4.5), "≤ 4.5 KiB");
  out.add(std::move(memory));
  add_rest(out, what, floor, ours, lost);
  return {};
}

caf::error run_idle_against(const options &how, report &out) {
  auto what = "idle, " + std::to_string(how.idle_devices) + " devices";
  connect_figures other, ours;
  uint64_t lost = 0;
  auto theirs = of_other(how);
  for (int i = 0; i < how.pairs; ++i) {
    how.progress(what + " " + std::to_string(i + 1) + "/" + std::to_string(how.pairs));
    // The order turns, so that neither side always comes first.
    for (auto is_ours : {i % 2 == 1, i % 2 == 0})
      if (auto failed =
              is_ours ? connect_crowd(how, 2 * i, ours, lost) : connect_crowd(theirs, 2 * i + 1, other, lost))
        return failed;
  }
  out.add({what + ": CPU of connect + token + bind, us", other.cpu_us, ours.cpu_us});
  out.add({what + ": server memory each, KiB", other.user_kib, ours.user_kib});
  add_rest(out, what, other, ours, lost);
  return {};
}

caf::error run_herd(const options &how, report &out) {
  auto count = how.herd_devices;
  auto what = "herd, " + std::to_string(count) + " reconnect at once";
  std::vector<double> floor_s, ours_s, floor_cpu, ours_cpu, ours_p99;
  uint64_t lost = 0;
  auto keep = [&](const wave_result &wave, auto &seconds, auto &cpu) {
    seconds.push_back(double(wave.wall_ns) / 1e9);
    cpu.push_back(wave.cpu_us());
    lost += wave.lost;
  };
  auto floor = floor_target::start(how.server_core);
  if (!floor)
    return std::move(floor.error());
  std::optional<crowd> ours;
  if (!how.server_program.empty()) {
    auto x = crowd::make(how, count, 2);
    if (!x)
      return std::move(x.error());
    ours.emplace(std::move(*x));
  }
  for (int i = 0; i < how.pairs; ++i) {
    how.progress(what + " " + std::to_string(i + 1) + "/" + std::to_string(how.pairs));
    auto &target = **floor;
    auto wave =
        cut_and_return(target.connections(), [&](size_t at_once) { return target.connect(count, at_once); });
    if (!wave)
      return std::move(wave.error());
    keep(*wave, floor_s, floor_cpu);
    if (!ours)
      continue;
    wave = cut_and_return(*ours->connections, [&](size_t at_once) {
      return open_wave(*ours->connections, {ours->server->pid()}, at_once);
    });
    if (!wave)
      return std::move(wave.error());
    keep(*wave, ours_s, ours_cpu);
    ours_p99.push_back(double(wave->wait.percentile(0.99)) / 1e6);
  }
  finding back{what + ": all back after, s", floor_s, ours_s, ours_s, "s"};
  back.hold(count == 15'000 ? std::optional{2.0} : std::nullopt, "≤ 2 s");
  out.add(std::move(back));
  out.add({what + ": CPU of a reconnect, us", floor_cpu, ours_cpu});
  finding wait{what + ": wait of a device p99, ms"};
  wait.ours = ours_p99;
  out.add(std::move(wait));
  if (lost > 0)
    out.note(what + ": " + std::to_string(lost) + " connections were lost on the way and tried again.");
  return {};
}

caf::error run_floor(const options &how, report &out) {
  auto alone = how;
  alone.server_program.clear();
  for (auto window : how.windows)
    if (auto failed = run_d2d(alone, window, 0, out))
      return failed;
  if (auto failed = run_d2d(alone, 1, how.rate > 0 ? how.rate : 10'000, out))
    return failed;
  if (auto failed = run_push(alone, out))
    return failed;
  return run_idle(alone, out);
}

} // namespace stentor::bench
