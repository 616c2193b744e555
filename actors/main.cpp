// SPDX-License-Identifier: Apache-2.0
// stentord: reads the configuration, starts a node, waits for SIGTERM or SIGINT, drains, exits.
#include "actors/config.hpp"
#include "actors/log.hpp"
#include "actors/node.hpp"

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

int run(config cfg) {
  log::configure(cfg.log_level, cfg.log_format);
  for (auto &text : cfg.warnings)
    log::warn("node", "config.warning", {{"text", text}});
  auto descriptors = raise_descriptor_limit();
  // Loops and helpers free what others allocated; many arenas would keep memory that no one uses.
  mallopt(M_ARENA_MAX, 2);
  std::signal(SIGPIPE, SIG_IGN);
  // Every thread inherits this mask: signals are taken by sigwait below and nowhere else.
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);

  caf::actor_system_config settings;
  settings.add_message_types<caf::id_block::stentor>();
  settings.set("scheduler.policy", caf::atom("sharing"));
  settings.set("scheduler.max-threads", size_t{2});
  caf::actor_system sys{settings};

  auto started = actors::node::start(sys, std::move(cfg));
  if (!started) {
    log::error("node", "start.failed", {{"error", render(started.error())}});
    return 1;
  }
  auto &node = **started;
  log::info("node", "started",
            {{"node", node.context().id},
             {"version", STENTOR_VERSION},
             {"loops", node.context().cfg.loops},
             {"descriptors", static_cast<uint64_t>(descriptors)},
             {"devices_at_most", static_cast<uint64_t>(descriptors > 128 ? descriptors - 128 : 0)}});
  std::printf("ready device=%s api=%s\n", node.device_address().c_str(), node.api_address().c_str());
  if (node.context().cfg.dev_auth)
    std::printf("try: %s connect --url ws://%s/v1/connect --device tv-1 --account acme\n",
                client_command().c_str(), node.device_address().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stops, &signal);
  log::info("node", "draining", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  auto summary = node.drain();
  log::info(
      "node", "stopped",
      {{"devices", summary.devices}, {"left_over", summary.left_over}, {"took_ms", summary.took.count()}});
  return 0;
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
