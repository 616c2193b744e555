// SPDX-License-Identifier: Apache-2.0
// stentord: reads the configuration, starts a node, waits for SIGTERM or SIGINT, drains, exits. A node that
// lost its place in its cluster is stopped and started again as another incarnation.
#include "actors/config/config.hpp"
#include "actors/mesh/transport.hpp"
#include "actors/node.hpp"
#include "actors/telemetry/log.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <malloc.h>

#include <sys/resource.h>

namespace {

using namespace stentor;

/// As many descriptors as the hard limit allows: the soft one is made for select(2).
rlim_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// The client beside this daemon, as somebody in this directory would call it; its bare name where there is
/// none.
std::string client_command() {
  std::error_code error;
  auto client = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "stentorctl";
  if (error || !std::filesystem::exists(client, error))
    return "stentorctl";
  return std::filesystem::proximate(client, error).string();
}

/// How a node's time ended.
enum class ending : uint8_t { stopped, lost, failed };

/// The signals that this process takes: all others keep what they do.
sigset_t taken_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (auto x : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, x);
  return signals;
}

/// The signal that asks us to stop, or 0 after `most`.
int wait_for_signal(const sigset_t &signals, std::chrono::milliseconds most) {
  timespec left{most.count() / 1000, most.count() % 1000 * 1'000'000};
  auto signal = sigtimedwait(&signals, nullptr, &left);
  if (signal == SIGHUP) {
    log::warn("node", "signal.ignored",
              {{"signal", "SIGHUP"}, {"hint", "settings are read at the start only: restart the node"}});
    return 0;
  }
  return signal > 0 ? signal : 0;
}

void tell_ready(actors::node &node, rlim_t descriptors) {
  auto &ctx = node.context();
  log::info("node", "started",
            {{"node", ctx.id},
             {"incarnation", ctx.inc},
             {"version", STENTOR_VERSION},
             {"loops", ctx.cfg.loops},
             {"descriptors", static_cast<uint64_t>(descriptors)},
             {"max_devices", static_cast<uint64_t>(descriptors > 128 ? descriptors - 128 : 0)}});
  std::printf("ready device=%s api=%s", node.device_address().c_str(), node.api_address().c_str());
  if (ctx.is_clustered())
    std::printf(" peer=%s", node.peer_address().c_str());
  std::printf("\n");
  if (ctx.cfg.dev_auth)
    std::printf("try: %s connect --url ws://%s/v1/connect --device tv-1 --account acme\n",
                client_command().c_str(), node.device_address().c_str());
  std::fflush(stdout);
}

/// Until a signal comes, or the node has lost its place in the cluster.
ending serve(actors::node &node, const sigset_t &stops, rlim_t descriptors) {
  bool told = false;
  for (;;) {
    if (!told && node.is_joined()) {
      tell_ready(node, descriptors);
      told = true;
    }
    auto signal = wait_for_signal(stops, std::chrono::milliseconds{told ? 200 : 10});
    if (signal || node.is_drain_asked()) {
      log::info("node", "draining",
                {{"by", signal == 0         ? "operator"
                        : signal == SIGTERM ? "SIGTERM"
                                            : "SIGINT"}});
      auto summary = node.drain([&stops, hurried = false]() mutable {
        if (!hurried && wait_for_signal(stops, std::chrono::milliseconds{0}) != 0) {
          hurried = true;
          log::warn("node", "drain.hurried", {});
        }
        return hurried;
      });
      log::info("node", "stopped",
                {{"devices", summary.devices},
                 {"remaining", summary.left_over},
                 {"took_ms", summary.took.count()}});
      return ending::stopped;
    }
    if (node.is_lost()) {
      node.abandon();
      return ending::lost;
    }
  }
}

/// One incarnation, in an actor system of its own.
ending live_once(config &cfg, const sigset_t &stops, rlim_t descriptors) {
  caf::actor_system_config settings;
  settings.add_message_types<caf::id_block::stentor>();
  settings.set("scheduler.policy", caf::atom("sharing"));
  settings.set("scheduler.max-threads", size_t{2});
  if (!cfg.cluster.name.empty()) {
    actors::transport_options links;
    links.cluster = cfg.cluster.name;
    links.tls = {cfg.cluster.ca, cfg.cluster.cert, cfg.cluster.key};
    if (auto err = actors::configure_transport(settings, std::move(links))) {
      log::error("node", "start.failed", {{"error", render(err)}});
      return ending::failed;
    }
  }
  caf::actor_system sys{settings};
  auto started = actors::node::start(sys, cfg);
  if (!started) {
    log::error("node", "start.failed", {{"error", render(started.error())}});
    return ending::failed;
  }
  auto &node = **started;
  // Who comes back as another incarnation is found where it was.
  cfg.device_listen = *net::parse_address(node.device_address());
  cfg.api_listen = *net::parse_address(node.api_address());
  if (node.context().is_clustered())
    cfg.cluster.peer_listen = *net::parse_address(node.peer_address());
  return serve(node, stops, descriptors);
}

int run(config cfg) {
  log::configure(cfg.log_level, cfg.log_format);
  for (auto &text : cfg.warnings)
    log::warn("node", "config.warning", {{"detail", text}});
  auto descriptors = raise_descriptor_limit();
  // Loops and helpers free what others allocated; many arenas would keep memory that no one uses.
  mallopt(M_ARENA_MAX, 2);
  // What would end the process without a drain: a lost terminal, a log rotation, a hand that slipped.
  for (auto x : {SIGPIPE, SIGUSR1, SIGUSR2})
    std::signal(x, SIG_IGN);
  // Every thread inherits this mask: signals are taken by `serve` and nowhere else.
  auto stops = taken_signals();
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  for (;;)
    switch (live_once(cfg, stops, descriptors)) {
    case ending::stopped:
      return 0;
    case ending::failed:
      return 1;
    case ending::lost:
      log::info("node", "rejoining", {});
    }
}

} // namespace

int main(int argc, char **argv) {
  auto asked = read_command_line(argc, argv);
  if (!asked) {
    std::fprintf(stderr, "stentord: %s\n", render(asked.error()).c_str());
    return 2;
  }
  if (!asked->run) {
    std::fputs(asked->text.c_str(), stdout);
    return 0;
  }
  return run(std::move(asked->conf));
}
