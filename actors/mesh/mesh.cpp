// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/mesh.hpp"

#include "actors/mesh/dial.hpp"
#include "actors/mesh/link_broker.hpp"
#include "actors/mesh/peer.hpp"
#include "actors/mesh/peer_port.hpp"
#include "actors/telemetry/log.hpp"

#include <set>

namespace stentor::actors {

namespace {

using namespace std::chrono_literals;

// Membership waits this long for its peers.
constexpr auto ask_timeout = 500ms;
// For every peer's link to be severed, which takes the broker a few messages.
constexpr auto stop_timeout = 2s;

// One that ends at once, again and again, costs a second each.
constexpr auto restart_wait = 1s;

log::once_a_second refused_line;

/// The actor stands at the port, and peers may send to it, the inboxes and the routers.
void publish_port(const caf::actor &broker, uint16_t port, const caf::strong_actor_ptr &at_port,
                  const mesh_options &options) {
  caf::anon_send(broker, caf::publish_atom_v, port, at_port, options.inboxes, options.routers);
}

} // namespace

// -- from outside ----

caf::expected<mesh_handle> start_mesh(caf::actor_system &sys, mesh_options options) {
  auto *links = links_of(sys);
  if (!links)
    return make_error(errc::config, "this actor system was made without configure_transport");
  auto is_tls = links->transport().tls != nullptr;
  if (!is_tls && !options.listen.is_loopback()) {
    if (!options.insecure_peers)
      return make_error(errc::config, "peer-listen " + net::to_string(options.listen) +
                                          " without TLS: anyone who reaches that port can control this node. "
                                          "Set peer-ca, peer-cert and peer-key, or listen on loopback, or "
                                          "use --insecure-peers if the network itself keeps others out");
    log::warn(
        "links", "insecure_peers",
        {{"listen", net::to_string(options.listen)},
         {"detail", "anyone who reaches this port can control this node, and read and write every message"}});
  }
  auto listener = listen(*links, options.listen);
  if (!listener)
    return listener.error();
  auto port = (*listener)->port();
  mesh_handle result;
  result.shared = links->shared();
  auto text = net::to_string(options.listen);
  result.listening = text.substr(0, text.rfind(':') + 1) + std::to_string(port);
  result.address = options.advertise.empty() ? result.listening : options.advertise;
  result.mesh = sys.spawn(mesh, links->shared(), options);
  auto at_port = sys.spawn(peer_port, result.mesh, options.can_renew);
  auto broker = link_broker_of(sys);
  auto handle = caf::actor_cast<caf::strong_actor_ptr>(at_port);
  // Before the first connection: it knows then whom peers may send to.
  publish_port(broker, port, handle, options);
  caf::anon_send(result.mesh, adopt_atom_v, handle, port);
  caf::anon_send(broker, caf::publish_atom_v, std::move(*listener), port, handle, std::set<std::string>{});
  return result;
}

void mesh_handle::stop() {
  if (!mesh)
    return;
  caf::scoped_actor waiter{mesh->home_system()};
  waiter->monitor(mesh);
  waiter->send(mesh, stop_atom_v);
  waiter->receive([](const caf::down_msg &) {},
                  caf::after(stop_timeout) >>
                      [this] {
                        log::error("links", "stop.late", {{"detail", "a link did not end in time"}});
                        caf::anon_send_exit(mesh, caf::exit_reason::kill);
                      });
  mesh = nullptr;
}

void mesh_handle::subscribe(caf::strong_actor_ptr who) {
  caf::anon_send(mesh, watch_atom_v, std::move(who));
}

// -- the actor ----

/// What a peer said; anything it may not say is no word.
static renew_word word_from(uint8_t said) {
  auto word = static_cast<renew_word>(said);
  return word == renew_word::yes || word == renew_word::no ? word : renew_word::unknown;
}

mesh_actor::behavior_type mesh(mesh_actor::stateful_pointer<mesh_state> self,
                               std::shared_ptr<transport> shared, mesh_options options) {
  auto &state = self->state;
  state.self = self;
  state.shared = std::move(shared);
  state.options = std::move(options);
  self->set_down_handler([self](caf::down_msg &what) { self->state.on_ended(what); });
  return {
      [self](adopt_atom, const caf::strong_actor_ptr &peer_port, uint16_t port) {
        self->state.port = port;
        self->state.adopt_port(peer_port);
      },
      [self](watch_atom, const caf::strong_actor_ptr &who) {
        self->state.options.subscribers.push_back(who);
      },
      [self](view_atom, const std::vector<storage::lease> &view) { self->state.on_view(view); },
      [self](sever_atom, uint64_t inc, uint32_t epoch, const std::string &reason) {
        self->state.on_sever(inc, epoch, reason);
      },
      [self](poll_atom, uint64_t round) { self->state.on_ask(round); },
      [self](hello_atom, link_hello &theirs) { return self->state.on_hello(theirs); },
      [self](link_atom, peer_news &news) { self->state.on_news(news); },
      [self](tick_atom) { self->state.restart_port(); },
      [self](stop_atom) { self->state.stop(); },
  };
}

hello mesh_state::own_hello() const {
  return {options.cluster, options.protocol, options.node, options.inc, 0};
}

void mesh_state::on_view(const std::vector<storage::lease> &view) {
  if (stopping)
    return;
  std::set<incarnation> listed;
  for (auto &who : view)
    if (who.inc != options.inc && !who.address.empty()) {
      listed.insert(who.inc);
      add(who);
    }
  for (auto &[inc, known] : peers)
    if (!listed.contains(inc)) {
      known.again.reset();
      dismiss(known, false);
    }
}

void mesh_state::add(const storage::lease &who) {
  auto [found, is_new] = peers.try_emplace(who.inc);
  auto &known = found->second;
  if (!is_new) {
    // One that is leaving must have said so before its successor says anything.
    if (known.leaving)
      known.again = who;
    return;
  }
  known.node = who.node;
  peer_deps deps;
  deps.shared = shared;
  deps.mesh = self;
  deps.broker = link_broker_of(self->system());
  deps.mine = {own_hello(), 0, peer_port, options.inboxes, options.routers, false};
  deps.doubtful = options.doubtful;
  deps.whom = who;
  known.handle = self->spawn(peer, std::move(deps));
  self->monitor(known.handle);
}

void mesh_state::dismiss(peer_entry &known, bool node_stops) {
  if (!std::exchange(known.leaving, true))
    self->send(known.handle, stop_atom_v, node_stops);
}

// -- the peer port ----

void mesh_state::adopt_port(const caf::strong_actor_ptr &at_port) {
  peer_port = at_port;
  self->monitor(caf::actor_cast<caf::actor>(at_port));
}

void mesh_state::on_port_ended(const caf::error &reason) {
  if (stopping)
    return;
  log::error("links", "peer_port.ended",
             {{"reason", self->system().render(reason)}, {"detail", "it is restarted, and links with it"}});
  if (options.on_port_trouble)
    options.on_port_trouble("the peer port has ended and is being restarted");
  tell_peers_of_port(nullptr);
  self->delayed_send(self, restart_wait, tick_atom_v);
}

void mesh_state::tell_peers_of_port(const caf::strong_actor_ptr &at_port) {
  // Links that named the one before end by themselves: the other side watches it.
  peer_port = at_port;
  for (auto &[inc, known] : peers)
    self->send(known.handle, adopt_atom_v, at_port);
}

void mesh_state::restart_port() {
  if (stopping)
    return;
  adopt_port(caf::actor_cast<caf::strong_actor_ptr>(
      self->system().spawn(actors::peer_port, mesh_actor{self}, options.can_renew)));
  publish_port(link_broker_of(self->system()), port, peer_port, options);
  tell_peers_of_port(peer_port);
  link_counters::add(shared->counters.port_restarts);
  log::info("links", "peer_port.restarted");
  if (options.on_port_trouble)
    options.on_port_trouble(nullptr);
}

// -- peers that end ----

void mesh_state::on_ended(const caf::down_msg &what) {
  if (peer_port && what.source == peer_port->address())
    on_port_ended(what.reason);
  else
    on_peer_ended(what.source);
}

void mesh_state::on_peer_ended(const caf::actor_addr &which) {
  auto found = std::ranges::find_if(peers, [&](auto &x) { return x.second.handle.address() == which; });
  if (found == peers.end())
    return;
  auto again = std::move(found->second.again);
  peers.erase(found);
  if (stopping)
    quit_when_done();
  else if (again)
    add(*again);
}

void mesh_state::on_sever(incarnation inc, uint32_t epoch, const std::string &reason) {
  if (auto found = peers.find(inc); found != peers.end())
    self->send(found->second.handle, sever_atom_v, epoch, reason);
}

void mesh_state::on_ask(uint64_t round) {
  struct collection {
    std::vector<peer_answer> answers;
    size_t missing = 0;
  };
  auto asker = self->current_sender();
  auto all = std::make_shared<collection>();
  for (auto &[inc, known] : peers)
    if (known.peer_port)
      all->answers.push_back({known.node, inc, renew_word::unknown});
  all->missing = all->answers.size();
  auto tell = [this, asker, round, all] {
    if (asker)
      caf::anon_send(caf::actor_cast<caf::actor>(asker), poll_atom_v, round, std::move(all->answers));
  };
  if (all->missing == 0) {
    tell();
    return;
  }
  size_t index = 0;
  for (auto &[inc, known] : peers) {
    if (!known.peer_port)
      continue;
    auto done = [all, tell, i = index++](renew_word word) {
      all->answers[i].can_renew = word;
      if (--all->missing == 0)
        tell();
    };
    self->request(caf::actor_cast<peer_port_actor>(known.peer_port), ask_timeout, poll_atom_v)
        .then([done](uint8_t word) { done(word_from(word)); },
              [done](const caf::error &) { done(renew_word::unknown); });
  }
}

caf::result<hello_answer> mesh_state::on_hello(link_hello &theirs) {
  auto mine = own_hello();
  auto text = check(mine, theirs.who);
  auto lasting = !text.empty();
  auto known = peers.find(theirs.who.inc);
  if (text.empty() && theirs.to != options.inc)
    text = "that incarnation has ended, this is another one";
  if (text.empty() && (known == peers.end() || known->second.leaving))
    text = "this node's view does not contain it yet, or no longer does";
  if (text.empty())
    return self->delegate(known->second.handle, hello_atom_v, std::move(theirs));
  if (lasting) {
    shared->counters.refuse(peer_refusal::hello);
    refused_line.warn(self->clock().now(), "links", "hello.refused",
                      {{"node", theirs.who.node}, {"reason", text}});
  }
  return hello_answer{text, lasting, {mine, theirs.who.inc, peer_port, {}, {}, false}};
}

void mesh_state::on_news(peer_news &news) {
  if (auto found = peers.find(news.what.inc); found != peers.end())
    found->second.peer_port = news.peer_port;
  for (auto &who : options.subscribers)
    caf::anon_send(caf::actor_cast<caf::actor>(who), link_atom_v, news.what);
}

void mesh_state::stop() {
  if (std::exchange(stopping, true))
    return;
  caf::anon_send(link_broker_of(self->system()), caf::close_atom_v, port);
  for (auto &[inc, known] : peers)
    dismiss(known, true);
  quit_when_done();
}

void mesh_state::quit_when_done() {
  if (!peers.empty())
    return;
  if (auto at_port = std::exchange(peer_port, nullptr))
    self->send_exit(at_port, caf::exit_reason::user_shutdown);
  self->quit();
}

} // namespace stentor::actors
