// SPDX-License-Identifier: Apache-2.0
#include "actors/node.hpp"

#include "actors/api/inspector.hpp"
#include "actors/directory/auditor.hpp"
#include "actors/directory/directory_actor.hpp"
#include "actors/directory/router.hpp"
#include "actors/loop_parts.hpp"
#include "actors/membership/membership_actor.hpp"
#include "actors/telemetry/log.hpp"
#include "storage/memory_directory.hpp"
#include "storage/redis_directory.hpp"

#include <random>

#include <ctime>

namespace stentor::actors {

namespace {

constexpr std::chrono::hours forever{24 * 365 * 50};
// Giving up the lease at the end saves the others a wait, no more.
constexpr std::chrono::milliseconds release_timeout{1000};
constexpr std::chrono::milliseconds command_timeout{3000};
// Events that other nodes made are seen this late at most.
constexpr std::chrono::milliseconds event_poll{50};
// A drain waits this long for verdicts under way, then for the links to carry the last ones.
constexpr std::chrono::milliseconds settle_time{1000};

uint64_t random_incarnation() {
  std::random_device source;
  return static_cast<uint64_t>(source()) << 32 | source();
}

} // namespace

boot_time read_boot_clock() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return boot_time{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

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
  if (auto err = result->spawn_actors())
    return err;
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
    if (auto err = host->parts().acceptors.open(devices, back_ends))
      return err;
    // A node that is one of several takes devices once it holds its lease.
    if (!ctx_.is_clustered())
      if (auto err = host->parts().acceptors.open_to_devices())
        return err;
    // Port 0: the first loop learns the port, the others share it.
    devices = host->parts().acceptors.device_address();
    back_ends = host->parts().acceptors.api_address();
    ctx_.inboxes.push_back(host->inbox().self());
    loops_.push_back(std::move(host));
  }
  std::vector<loop *> all;
  for (auto &host : loops_)
    all.push_back(host.get());
  for (auto &host : loops_)
    host->meet(all);
  device_address_ = net::to_string(devices);
  api_address_ = net::to_string(back_ends);
  return {};
}

/// The directory as configured; each call a connection of its own.
caf::expected<std::shared_ptr<storage::directory>> node::open_directory(std::chrono::milliseconds timeout) {
  if (ctx_.cfg.directory.empty())
    return std::shared_ptr<storage::directory>{std::make_shared<storage::memory_directory>()};
  auto where = storage::parse_redis_url(ctx_.cfg.directory);
  if (!where)
    return where.error();
  storage::redis_options options;
  options.where = *where;
  options.cluster = ctx_.cfg.cluster.name;
  options.limits.command_timeout = timeout;
  return std::shared_ptr<storage::directory>{storage::make_redis_directory(std::move(options))};
}

caf::error node::spawn_actors() {
  auto store = open_directory(command_timeout);
  if (!store)
    return store.error();
  if (ctx_.is_clustered()) {
    ctx_.directory = ctx_.sys.spawn<caf::detached>(directory, *store, ctx_.metrics, ctx_.view, event_poll);
  } else {
    // Alone with its directory, a node never loses its lease.
    auto lease = (*store)->renew({ctx_.id, ctx_.inc, 0, {}, false}, forever);
    ctx_.view->lease_end = lease ? lease->until : 0;
    // Takes microseconds a call: on CAF's scheduler.
    ctx_.directory = ctx_.sys.spawn(directory, *store, ctx_.metrics, ctx_.view, std::chrono::milliseconds{0});
  }
  std::vector<caf::strong_actor_ptr> handles, inboxes;
  std::vector<loop_inbox_actor> asked;
  for (auto &host : loops_) {
    ctx_.routers.push_back(ctx_.sys.spawn(router, ctx_.directory, ctx_.view, ctx_.lim().max_watchers));
    handles.push_back(caf::actor_cast<caf::strong_actor_ptr>(ctx_.routers.back()));
    inboxes.push_back(host->inbox().self());
    asked.push_back(caf::actor_cast<loop_inbox_actor>(inboxes.back()));
  }
  caf::anon_send(ctx_.directory, adopt_atom_v, handles);
  auditor_deps audits{ctx_.inc, asked, ctx_.directory, ctx_.view, ctx_.metrics, ctx_.is_clustered()};
  auditor_ = ctx_.sys.spawn(auditor, std::move(audits));
  ctx_.inspector = ctx_.sys.spawn(inspector, inspector_deps{{ctx_.id, ctx_.inc},
                                                            std::move(asked),
                                                            ctx_.metrics,
                                                            ctx_.view,
                                                            ctx_.directory,
                                                            ctx_.is_clustered(),
                                                            ctx_.boot_now});
  if (ctx_.is_clustered())
    return join_cluster(inboxes, handles);
  ctx_.view->open_loops = loops_.size();
  return {};
}

caf::error node::join_cluster(const std::vector<caf::strong_actor_ptr> &inboxes,
                              const std::vector<caf::strong_actor_ptr> &routers) {
  auto &cfg = ctx_.cfg.cluster;
  auto store = open_directory(ctx_.cluster_lim.renewal_timeout);
  if (!store)
    return store.error();
  mesh_options links;
  links.cluster = cfg.name;
  links.node = ctx_.id;
  links.inc = ctx_.inc;
  links.listen = cfg.peer_listen;
  links.advertise = cfg.peer_advertise;
  links.insecure_peers = cfg.insecure_peers;
  links.can_renew = [view = ctx_.view] { return view->can_renew.load(); };
  links.doubtful = [view = ctx_.view] { return view->outage || view->doubtful; };
  links.on_port_trouble = [view = ctx_.view](const char *why) { view->port_trouble = why; };
  links.inboxes = inboxes;
  links.routers = routers;
  links.subscribers = inboxes;
  auto mesh = start_mesh(ctx_.sys, std::move(links));
  if (!mesh)
    return mesh.error();
  mesh_.emplace(std::move(*mesh));
  peer_address_ = mesh_->listening;
  ctx_.metrics->set_links({mesh_->shared, &mesh_->shared->counters});
  ctx_.mesh = caf::actor_cast<caf::strong_actor_ptr>(mesh_->mesh);
  ctx_.view->not_ready = "joining";
  ctx_.view->joining = true;
  membership_deps deps;
  deps.node = ctx_.id;
  deps.inc = ctx_.inc;
  deps.address = mesh_->address;
  deps.store = *store;
  deps.view = ctx_.view;
  deps.metrics = ctx_.metrics;
  deps.directory = ctx_.directory;
  deps.mesh = mesh_->mesh;
  deps.inboxes = inboxes;
  deps.routers = ctx_.routers;
  deps.auditor = auditor_;
  deps.lim = ctx_.cluster_lim;
  deps.boot_now = ctx_.boot_now;
  membership_ = ctx_.sys.spawn<caf::detached>(membership, std::move(deps));
  mesh_->subscribe(caf::actor_cast<caf::strong_actor_ptr>(membership_));
  mesh_->subscribe(caf::actor_cast<caf::strong_actor_ptr>(ctx_.inspector));
  caf::anon_send(ctx_.inspector, adopt_atom_v, caf::actor_cast<caf::strong_actor_ptr>(membership_));
  return {};
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

size_t node::open_verdicts() const noexcept {
  size_t sum = 0;
  for (auto &host : loops_)
    sum += host->counters().depth(queue::pending_verdicts);
  return sum;
}

node::drain_summary node::drain(const std::function<bool()> &is_hurried) {
  using namespace std::chrono_literals;
  using clock = std::chrono::steady_clock;
  drain_summary summary;
  auto began = clock::now();
  summary.devices = connections();
  ctx_.draining = true;
  if (membership_)
    caf::anon_send(membership_, drain_atom_v);
  auto tell_loops = [&](auto what) {
    for (auto &host : loops_)
      caf::anon_send(caf::actor_cast<caf::actor>(host->inbox().self()), what);
  };
  tell_loops(drain_atom_v);
  auto &lim = ctx_.lim();
  wait_for_end_of_connections(longest_drain() + lim.goaway_grace + 2 * lim.close_linger + 1s, is_hurried);
  summary.left_over = connections();
  if (is_lost()) { // nothing can be settled without a lease
    abandon();
    summary.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began);
    return summary;
  }
  // Senders on other nodes still have routes to here: what they send by them is sent back, and finds the
  // device where it is now. Once the link is gone it would be lost on the way.
  if (mesh_ && summary.devices > 0)
    std::this_thread::sleep_for(settle_time);
  // Back ends that wait for an ack hear now that none will come; answers under way are finished.
  tell_loops(conclude_atom_v);
  settle_messages();
  auto until = clock::now() + lim.close_linger + 1s;
  while (http_connections() > 0 && clock::now() < until)
    std::this_thread::sleep_for(20ms);
  stop();
  summary.took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  return summary;
}

/// Nobody waits for a verdict that would end with this node: senders that went elsewhere hear theirs over the
/// links, while there are any.
void node::settle_messages() {
  auto until = std::chrono::steady_clock::now() + settle_time;
  while (open_verdicts() > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  caf::scoped_actor self{ctx_.sys};
  // Twice: what one loop says may pass through another one.
  bool answered = true;
  for (auto round = 0; round < 2; ++round)
    for (auto &host : loops_)
      if (answered) // without a lease the loops stand still
        self->request(caf::actor_cast<loop_inbox_actor>(host->inbox().self()), settle_time, finish_atom_v)
            .receive([](bool) {}, [&](caf::error &) { answered = false; });
  if (!mesh_ || !answered)
    return;
  // A peer that answers has read all that we sent before.
  self->send(mesh_->mesh, poll_atom_v, uint64_t{0});
  self->receive([](poll_atom, uint64_t, const std::vector<peer_answer> &) {},
                caf::after(settle_time) >> [] {});
}

std::chrono::milliseconds node::longest_drain() const {
  auto slots = ctx_.view->slots();
  size_t others = 0; // this node may have left the view already
  if (slots)
    for (auto &x : slots->nodes())
      others += x.inc != ctx_.inc;
  return drain_plan{connections(), ctx_.drain_over(), others * ctx_.lim().accept_rate}.length();
}

void node::wait_for_end_of_connections(std::chrono::milliseconds most,
                                       const std::function<bool()> &is_hurried) {
  auto until = std::chrono::steady_clock::now() + most;
  auto was_lost = is_lost();
  while (connections() > 0 && std::chrono::steady_clock::now() < until && is_lost() == was_lost &&
         !is_hurried())
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
}

void node::abandon() {
  for (auto &host : loops_)
    host->request_abandon();
  wait_for_end_of_connections(2 * ctx_.lim().close_linger, [] { return false; });
  stop();
}

/// The others need not wait for the end of our lease. What still stands in the directory they sweep.
void node::give_up_lease() {
  if (!ctx_.is_clustered() || !ctx_.directory)
    return;
  // The loops' last unbinds first: this one goes their way, behind them.
  caf::scoped_actor self{ctx_.sys};
  for (auto &router : ctx_.routers)
    self->request(router, command_timeout, unbind_atom_v, std::vector<storage::unbind_request>{})
        .receive([](bool) {}, [](caf::error &) {});
  auto store = open_directory(release_timeout);
  if (store && ctx_.view->lease_end != 0)
    if (auto released = (*store)->release(ctx_.id, ctx_.inc); !released)
      log::warn("node", "lease.kept", {{"error", render(released.error())}});
}

void node::stop() {
  if (auto mesh = std::exchange(mesh_, std::nullopt))
    mesh->stop();
  for (auto &host : loops_)
    host->request_stop();
  for (auto &thread : threads_)
    thread.join();
  threads_.clear();
  // Their answers go to the loops' inboxes: they must have ended before the loops are gone.
  end({caf::actor_cast<caf::actor>(std::exchange(membership_, nullptr))});
  give_up_lease();
  std::vector<caf::actor> others;
  others.push_back(caf::actor_cast<caf::actor>(std::exchange(auditor_, nullptr)));
  for (auto &handle : std::exchange(ctx_.routers, {}))
    others.push_back(caf::actor_cast<caf::actor>(handle));
  others.push_back(caf::actor_cast<caf::actor>(std::exchange(ctx_.inspector, nullptr)));
  others.push_back(caf::actor_cast<caf::actor>(std::exchange(ctx_.directory, nullptr)));
  end(std::move(others));
  ctx_.mesh = nullptr;
}

/// Returns when all of these have ended.
void node::end(std::vector<caf::actor> actors) {
  std::erase(actors, caf::actor{});
  for (auto &one : actors)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::scoped_actor self{ctx_.sys};
  self->wait_for(actors);
}

node::~node() {
  stop();
  // Loops hold actors whose last references must drop while the actor system lives; the contexts they read,
  // too.
  ctx_.inboxes.clear();
  loops_.clear();
}

} // namespace stentor::actors
