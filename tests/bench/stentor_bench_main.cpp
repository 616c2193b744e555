// SPDX-License-Identifier: Apache-2.0
// The command line of stentor-bench. Every subcommand runs its scenario, prints a table (or JSON) and exits
// with 0 where all bars were met, 1 where one was missed or a scenario failed, 2 for a wrong command line.
#include "cluster/errc.hpp"
#include "tests/bench/crowd_child.hpp"
#include "tests/bench/floor_server.hpp"
#include "tests/bench/scenarios_cluster.hpp"
#include "tests/bench/server_process.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

namespace stentor::bench {

namespace {

constexpr auto examples = R"(Examples:
  stentor-bench floor                           what this machine can do without any server
  stentor-bench d2d --window 1 --pairs 3        device to device next to the floor
  stentor-bench d2d --rate 10000 --seconds 3    open loop: latency from the intended send time
  stentor-bench idle --connections 5000         memory and CPU of connected devices
  stentor-bench cluster --part connect          devices of three nodes on one Redis
  stentor-bench against OLD/stentord            this build's server next to another one, in pairs
  stentor-bench standard --json                 everything scripts/bench runs, for machines

The server and the generator run on different cores. See docs/benchmark.md.)";

struct output {
  bool json = false;
  bool quiet = false;
  std::string file;
};

/// stentord beside this program, or where the build puts it.
std::string find_server() {
  std::error_code failed;
  auto own = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  for (const auto &folder : {own, own.parent_path().parent_path()})
    if (std::filesystem::exists(folder / "stentord", failed))
      return folder / "stentord";
  return {};
}

void declare_common(CLI::App &app, options &how, output &out) {
  // Scripts put their own values first and the caller's behind them.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--server", how.server_program, "The stentord to test")->check(CLI::ExistingFile);
  app.add_option("--server-flag", how.server_arguments, "A further flag for it; repeatable")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  app.add_option("--server-log", how.server_log, "File for its log");
  app.add_option("--server-core", how.server_core, "Core of the server")->capture_default_str();
  app.add_option("--generator-core", how.generator_core, "Core of the generator")->capture_default_str();
  app.add_option("--pairs", how.pairs, "Rounds of each side, interleaved")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--tries", how.tries, "How often a disturbed round is repeated at most")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--seconds", how.seconds, "Measured time of a round")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  app.add_flag("--json", out.json, "Print JSON instead of a table");
  app.add_option("--json-file", out.file, "Also write the JSON to this file");
  app.add_flag("--quiet", out.quiet, "No progress on standard error");
}

void declare_devices(CLI::App &app, options &how) {
  app.add_option("--devices", how.devices, "Devices, in pairs")
      ->check(CLI::Range(2, 18'000))
      ->capture_default_str();
}

/// Runs one scenario; its error becomes a failure in the report.
template <class Scenario>
void attempt(report &out, const std::string &name, Scenario scenario) {
  if (auto failed = scenario())
    out.fail(name + ": " + render(failed));
}

void run_standard(const options &how, report &out) {
  attempt(out, "d2d, 1 in flight", [&] { return run_d2d(how, 1, 0, out); });
  attempt(out, "d2d, 16 in flight", [&] { return run_d2d(how, 16, 0, out); });
  attempt(out, "d2d, open loop", [&] { return run_d2d(how, 1, 10'000, out); });
  attempt(out, "push", [&] { return run_push(how, out); });
  attempt(out, "idle", [&] { return run_idle(how, out); });
  attempt(out, "herd", [&] { return run_herd(how, out); });
}

void run_cluster(const options &how, const std::set<std::string> &parts, report &out) {
  if (parts.contains("d2d"))
    for (auto window : how.windows)
      attempt(out, "cluster d2d, " + std::to_string(window) + " in flight",
              [&] { return run_cluster_d2d(how, window, out); });
  if (parts.contains("open"))
    attempt(out, "cluster, open loop", [&] { return run_cluster_open(how, 5'000, out); });
  if (parts.contains("first"))
    attempt(out, "cluster, first contact", [&] { return run_cluster_first(how, out); });
  if (parts.contains("connect"))
    attempt(out, "cluster, connect", [&] { return run_cluster_connect(how, out); });
  if (parts.contains("storm"))
    attempt(out, "cluster, storm", [&] { return run_cluster_storm(how, out); });
}

void run_against(const options &how, const std::set<std::string> &parts, report &out) {
  if (parts.contains("d2d"))
    for (auto window : how.windows)
      attempt(out, "d2d, " + std::to_string(window) + " in flight",
              [&] { return run_d2d_against(how, window, out); });
  if (parts.contains("idle"))
    attempt(out, "idle", [&] { return run_idle_against(how, out); });
}

int print(const report &found, const output &how) {
  auto json = found.json();
  if (!how.file.empty() && !(std::ofstream{how.file} << json.dump(1) << '\n')) {
    std::cerr << "stentor-bench: cannot write " << how.file << '\n';
    return 1;
  }
  if (how.json)
    std::cout << json.dump(1) << '\n';
  else
    std::cout << found.markdown();
  return found.is_good() ? 0 : 1;
}

int run(int argc, char **argv) {
  options how;
  output out;
  how.server_program = find_server();
  int counters_fd = -1;
  CLI::App app{"stentor-bench measures a Stentor node next to a bare forwarder, the floor"};
  app.footer(examples);
  app.require_subcommand(1);
  auto *floor = app.add_subcommand("floor", "The bare forwarder alone");
  auto *idle = app.add_subcommand("idle", "Connected devices: memory and CPU per device, connections/s");
  auto *d2d = app.add_subcommand("d2d", "Device to device, closed or open loop");
  auto *push = app.add_subcommand("push", "HTTP direct push, single and in batches");
  auto *herd = app.add_subcommand("herd", "All devices reconnect at once");
  auto *standard = app.add_subcommand("standard", "All scenarios, held to the bar");
  auto *cluster = app.add_subcommand("cluster", "Several nodes on one Redis, held to the cluster's bar");
  auto *against = app.add_subcommand("against", "Another stentord next to this one, in interleaved pairs");
  against->add_option("server", how.against_program, "The other stentord")
      ->required()
      ->check(CLI::ExistingFile);
  auto *serve = app.add_subcommand("serve-floor", "The floor's server")->group("");
  serve->add_option("--counters-fd", counters_fd);
  crowd_plan crowd;
  auto *serve_crowd = app.add_subcommand("serve-crowd", "Idle devices in a process of their own")->group("");
  serve_crowd->add_option("--server", crowd.server);
  serve_crowd->add_option("--other", crowd.others);
  serve_crowd->add_option("--secret", crowd.secret);
  serve_crowd->add_option("--first", crowd.first);
  serve_crowd->add_option("--devices", crowd.devices);
  serve_crowd->add_option("--at-once", crowd.at_once);
  serve_crowd->add_option("--source-net", crowd.source_net);
  serve_crowd->add_option("--control-fd", crowd.control_fd);
  for (auto *command : {floor, idle, d2d, push, herd, standard, cluster, against}) {
    declare_common(*command, how, out);
    command->footer(examples);
  }
  for (auto *command : {floor, d2d, push, standard, against})
    declare_devices(*command, how);
  for (auto *command : {floor, idle, standard, against})
    command->add_option("--connections", how.idle_devices, "Idle devices")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
  for (auto *command : {herd, standard})
    command->add_option("--herd", how.herd_devices, "Devices that reconnect at once")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
  for (auto *command : {floor, d2d, cluster, against})
    command->add_option("--window", how.windows, "Messages in flight per sender; repeatable")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
  std::string wanted = "none";
  d2d->add_option("--rate", how.rate, "Open loop: messages per second over all devices")
      ->check(CLI::Range(1.0, 1e7));
  for (auto *command : {d2d, against})
    command->add_option("--want", wanted, "Also with verdicts: `none` measures without only, `written` both")
        ->check(CLI::IsMember({"none", "written"}))
        ->capture_default_str();
  bool json_too = false;
  d2d->add_flag("--with-json", json_too, "Also with devices that speak JSON");
  std::set<std::string> parts{"d2d", "open", "first", "connect", "storm"};
  cluster->add_option("--part", parts, "Only this part; repeatable")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::IsMember(parts));
  cluster->add_option("--devices", how.cluster_devices, "Devices of d2d and open loop, in pairs")
      ->check(CLI::Range(2, 6'000))
      ->capture_default_str();
  std::set<std::string> compared{"d2d", "idle"};
  against->add_option("--part", compared, "Only this part; repeatable")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::IsMember(compared));
  cluster
      ->add_option("--connections", how.node_devices,
                   "Idle devices per node, with three nodes; in total for storm")
      ->check(CLI::Range(1, 18'000))
      ->capture_default_str();
  cluster->add_option("--connect-pairs", how.connect_pairs, "Rounds of storm, and of each side of connect")
      ->check(CLI::Range(1, 30))
      ->capture_default_str();
  cluster->add_option("--redis-server", how.redis_program, "The redis-server to start")
      ->capture_default_str();
  for (auto *command : {d2d, standard, cluster})
    command->add_flag("--spin", how.spin, "Open loop: the generator polls without sleeping");
  for (auto *command : {floor, push}) {
    command->add_option("--back-ends", how.back_ends, "Keep-alive connections")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    command->add_option("--batch", how.batch, "Messages of a batch")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (*serve)
    return run_floor_server(counters_fd);
  if (*serve_crowd)
    return run_crowd(crowd);

  how.devices += how.devices % 2;
  how.cluster_devices += how.cluster_devices % 2;
  if (*d2d || *against) {
    how.written = wanted == "written";
    how.json = json_too;
  }
  if (how.server_program.empty() && !*floor) {
    std::cerr << "stentor-bench: no stentord next to this program; name one with --server\n";
    return 2;
  }
  auto limit = raise_descriptor_limit();
  auto needed = size_t{std::max({*idle || *standard || *floor || *against ? how.idle_devices : 0,
                                 *herd || *standard ? how.herd_devices : 0, how.devices * 2,
                                 how.cluster_devices * 3})} +
                200;
  if (needed > limit) {
    std::cerr << "stentor-bench: needs " << needed << " descriptors, the limit is " << limit << '\n';
    return 2;
  }
  if (auto failed = pin_to_core(how.generator_core)) {
    std::cerr << "stentor-bench: " << render(failed) << '\n';
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (!out.quiet)
    how.progress = [](const std::string &text) { std::cerr << "bench: " << text << std::endl; };

  report found{*against ? "against" : "floor"};
  if (*floor)
    attempt(found, "floor", [&] { return run_floor(how, found); });
  if (*idle)
    attempt(found, "idle", [&] { return run_idle(how, found); });
  if (*push)
    attempt(found, "push", [&] { return run_push(how, found); });
  if (*herd)
    attempt(found, "herd", [&] { return run_herd(how, found); });
  if (*d2d && how.rate > 0)
    attempt(found, "d2d", [&] { return run_d2d(how, 1, how.rate, found); });
  for (auto window : *d2d &&how.rate <= 0 ? how.windows : std::vector<uint32_t>{})
    attempt(found, "d2d", [&] { return run_d2d(how, window, 0, found); });
  if (*standard)
    run_standard(how, found);
  if (*cluster)
    run_cluster(how, parts, found);
  if (*against)
    run_against(how, compared, found);
  return print(found, out);
}

} // namespace

} // namespace stentor::bench

int main(int argc, char **argv) {
  return stentor::bench::run(argc, argv);
}
