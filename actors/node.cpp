// SPDX-License-Identifier: Apache-2.0
#include "actors/node.hpp"

#include "actors/directory.hpp"
#include "actors/inspector.hpp"
#include "actors/log.hpp"
#include "actors/router.hpp"
#include "storage/memory_directory.hpp"

#include <random>

namespace stentor::actors {

namespace {

constexpr std::chrono::hours forever{24 * 365 * 50};

uint64_t random_incarnation() {
  std::random_device source;
  return static_cast<uint64_t>(source()) << 32 | source();
}

} // namespace

node::node(caf::actor_system &sys, config cfg) : ctx_{sys, std::move(cfg)} {
  ctx_.inc = random_incarnation();
}

caf::expected<std::unique_ptr<node>> node::start(caf::actor_system &sys, config cfg) {
  std::unique_ptr<node> result{new node{sys, std::move(cfg)}};
  if (!result->ctx_.cfg.token_keys.empty()) {
    auto tokens = net::token_verifier::make(result->ctx_.cfg.token_keys);
    if (!tokens)
      return tokens.error();
    result->ctx_.tokens = std::move(*tokens);
  }
  if (auto err = result->open())
    return err;
  result->spawn_actors();
  for (auto &host : result->loops_)
    result->threads_.emplace_back([&host] { host->run(); });
  return result;
}

caf::error node::open() {
  auto devices = ctx_.cfg.device_listen;
  auto back_ends = ctx_.cfg.api_listen;
  for (auto *address : {&devices, &back_ends})
    if (auto err = net::probe_address(*address))
      return err;
  for (uint16_t i = 0; i < ctx_.cfg.loops; ++i) {
    auto io = net::event_loop::make();
    if (!io)
      return io.error();
    auto host = std::make_unique<loop>(ctx_, i, std::move(*io));
    if (auto err = host->doors().open(devices, back_ends))
      return err;
    // Port 0: the first loop learns the port, the others share it.
    devices = host->doors().device_address();
    back_ends = host->doors().api_address();
    ctx_.loops.push_back(host.get());
    loops_.push_back(std::move(host));
  }
  device_address_ = net::to_string(devices);
  api_address_ = net::to_string(back_ends);
  return {};
}

void node::spawn_actors() {
  auto store = std::make_shared<storage::memory_directory>();
  // Alone with its directory, a node never loses its lease.
  auto lease = store->renew({ctx_.id, ctx_.inc, 0, {}, false}, forever);
  ctx_.lease_end = lease ? lease->until : 0;
  // Takes microseconds a call: on CAF's scheduler. A directory that waits for a network is spawned detached.
  ctx_.directory = ctx_.sys.spawn(directory, std::shared_ptr<storage::directory>{store}, ctx_.numbers);
  std::vector<caf::strong_actor_ptr> handles;
  std::vector<caf::actor> inboxes;
  for (auto &host : loops_) {
    ctx_.routers.push_back(ctx_.sys.spawn(router, ctx_.directory, ctx_.lim().max_watchers));
    handles.push_back(caf::actor_cast<caf::strong_actor_ptr>(ctx_.routers.back()));
    inboxes.push_back(caf::actor_cast<caf::actor>(host->inbox().self()));
  }
  caf::anon_send(ctx_.directory, adopt_atom_v, std::move(handles));
  ctx_.inspector = ctx_.sys.spawn(inspector, std::move(inboxes), ctx_.numbers);
}

size_t node::connections() const noexcept {
  size_t sum = 0;
  for (auto &host : loops_)
    sum += host->counters().connections();
  return sum;
}

size_t node::http_connections() const noexcept {
  size_t sum = 0;
  for (auto &host : loops_)
    sum += host->counters().http_connections();
  return sum;
}

node::drain_summary node::drain() {
  using namespace std::chrono_literals;
  using clock = std::chrono::steady_clock;
  drain_summary summary;
  auto began = clock::now();
  summary.devices = connections();
  ctx_.draining = true;
  auto tell_loops = [&](auto what) {
    for (auto &host : loops_)
      caf::anon_send(caf::actor_cast<caf::actor>(host->inbox().self()), what);
  };
  tell_loops(drain_atom_v);
  auto &lim = ctx_.lim();
  auto until = began + lim.goaway_grace + 2 * lim.close_linger + 1s;
  while (connections() > 0 && clock::now() < until)
    std::this_thread::sleep_for(20ms);
  summary.left_over = connections();
  // Back ends that wait for an ack hear now that none will come; answers under way are finished.
  tell_loops(conclude_atom_v);
  until = clock::now() + lim.close_linger + 1s;
  while (http_connections() > 0 && clock::now() < until)
    std::this_thread::sleep_for(20ms);
  stop();
  summary.took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  return summary;
}

void node::stop() {
  for (auto &host : loops_)
    host->request_stop();
  for (auto &thread : threads_)
    thread.join();
  threads_.clear();
  for (auto &handle : ctx_.routers)
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
  if (ctx_.inspector)
    caf::anon_send_exit(ctx_.inspector, caf::exit_reason::user_shutdown);
  if (ctx_.directory)
    caf::anon_send_exit(ctx_.directory, caf::exit_reason::user_shutdown);
  ctx_.routers.clear();
  ctx_.inspector = nullptr;
  ctx_.directory = nullptr;
}

node::~node() {
  stop();
  // Loops hold actors whose last references must drop while the actor system lives; the contexts they read,
  // too.
  loops_.clear();
}

} // namespace stentor::actors
