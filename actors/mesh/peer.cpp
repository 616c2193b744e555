// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/peer.hpp"

#include "actors/mesh/dial.hpp"
#include "actors/telemetry/log.hpp"

namespace stentor::actors {

namespace {

using namespace std::chrono_literals;

// The broker answers from memory, but may be busy with other connections' bytes.
constexpr auto broker_timeout = 5s;
// From the other side's peer_port, mesh and peer, one after the other; a link this slow would be severed.
constexpr auto hello_timeout = 1s;
// An answer that late is of no use: the link is dead by then.
constexpr auto ping_timeout = 2s;
// A hello with more handles than this is none.
constexpr size_t max_handles = 1024;

std::string render_caf(caf::actor_system &sys, const caf::error &err) {
  if (err == caf::sec::incompatible_application_ids)
    return "another cluster or protocol version listens there: give both nodes the same --cluster, and "
           "upgrade by "
           "one version at a time";
  if (err == caf::sec::disconnect_during_handshake)
    return "cannot connect, or refused during the handshake";
  return sys.render(err);
}

} // namespace

peer_actor::behavior_type peer(peer_actor::stateful_pointer<peer_state> self, peer_deps deps) {
  auto &state = self->state;
  state.self = self;
  state.deps = std::move(deps);
  self->set_down_handler([self](caf::down_msg &what) { self->state.on_down(what); });
  state.start();
  return {
      [self](caf::tick_atom, uint64_t number) { self->state.tick(number); },
      [self](hello_atom, link_hello &theirs) { return self->state.on_hello(theirs); },
      [self](sever_atom, uint32_t epoch, const std::string &reason) { self->state.on_sever(epoch, reason); },
      [self](adopt_atom, const caf::strong_actor_ptr &our_port) {
        self->state.deps.mine.peer_port = our_port;
      },
      [self](stop_atom, bool node_stops) { self->state.stop(node_stops); },
  };
}

void peer_state::start() {
  auto &mine = deps.mine.who;
  dials = connects(mine.node, mine.inc, deps.whom.node, deps.whom.inc);
  random.seed(static_cast<uint32_t>(mine.inc ^ deps.whom.inc));
  if (dials)
    wake_at(now());
}

void peer_state::wake_at(time_point when) {
  auto wait = std::max(when - now(), duration{0});
  self->delayed_send(self, wait, caf::tick_atom_v, ++timer);
}

void peer_state::tick(uint64_t number) {
  if (number != timer || stopping)
    return;
  auto at_now = now();
  if (link.is_dead(at_now)) {
    end(link_end::silent, "pings unanswered for too long");
    return;
  }
  if (link.ping(at_now))
    ping();
  else if (dials && at == step::idle && link.may_connect(at_now)) {
    connect();
    return;
  }
  if (link.is_up() || (dials && at == step::idle))
    wake_at(link.due());
}

// -- connecting ----

link_hello peer_state::own_hello(uint32_t epoch) const {
  auto hello = deps.mine;
  hello.doubtful = deps.doubtful && deps.doubtful();
  hello.to = deps.whom.inc;
  hello.who.epoch = epoch;
  return hello;
}

void peer_state::connect() {
  if (!deps.mine.peer_port) {
    fail("this node's own peer port is being restarted");
    return;
  }
  auto where = net::parse_address(deps.whom.address);
  if (!where) {
    fail(render(where.error()), true);
    return;
  }
  auto connected = dial(*links_of(self->system()), *where);
  if (!connected) {
    fail(render(connected.error()));
    return;
  }
  at = step::connecting;
  serial = deps.shared->next_serial();
  auto mine = ++round;
  self->request(deps.broker, broker_timeout, caf::connect_atom_v, std::move(*connected), where->port(),
                serial)
      .then(
          [this, mine](const caf::node_id &, const caf::strong_actor_ptr &their_port,
                       const std::set<std::string> &) {
            if (mine == round)
              greet(their_port);
          },
          [this, mine](const caf::error &err) {
            if (mine == round)
              fail(render_caf(self->system(), err), err == caf::sec::incompatible_application_ids);
          });
}

void peer_state::greet(const caf::strong_actor_ptr &their_port) {
  if (!their_port || their_port->node() == self->node()) {
    fail(their_port ? "that is this node's own address" : "no actor answers at the peer port");
    return;
  }
  at = step::greeting;
  self->request(caf::actor_cast<peer_port_actor>(their_port), hello_timeout, hello_atom_v,
                own_hello(link.epoch() + 1))
      .then(
          [this, mine = round](const hello_answer &answer) {
            if (mine == round)
              on_greeted(answer);
          },
          [this, mine = round](const caf::error &err) {
            if (mine == round)
              fail("no answer to our hello: " + self->system().render(err));
          });
}

void peer_state::on_greeted(const hello_answer &answer) {
  if (!answer.refusal.empty()) {
    fail("refused there: " + answer.refusal, answer.lasting);
    return;
  }
  if (auto text = objection(answer.mine); !text.empty()) {
    fail(text, true);
    return;
  }
  self->request(deps.broker, broker_timeout, admit_atom_v, answer.mine.peer_port->node())
      .then(
          [this, mine = round, theirs = answer.mine](uint64_t) {
            if (mine == round)
              begin(theirs, theirs.who.epoch);
          },
          [this, mine = round](const caf::error &err) {
            if (mine == round)
              fail(self->system().render(err));
          });
}

void peer_state::fail(const std::string &text, bool lasting) {
  ++round;
  at = step::idle;
  auto &counters = deps.shared->counters;
  link_counters::add(counters.connect_failures);
  if (lasting)
    counters.refuse(peer_refusal::hello);
  // One line for a row of failures; what a person has to mend is said each time, which is seldom.
  if (lasting || !std::exchange(failure_told, true))
    log::warn("links", lasting ? "link.refused" : "link.failed",
              {{"node", deps.whom.node}, {"address", deps.whom.address}, {"reason", text}});
  if (serial != 0)
    caf::anon_send(deps.broker, sever_atom_v, std::exchange(serial, 0));
  if (lasting)
    link.refused(now());
  else
    link.failed(now(), any());
  if (!stopping)
    wake_at(link.due());
}

// -- waiting ----

std::string peer_state::objection(const link_hello &theirs) const {
  if (auto text = check(deps.mine.who, theirs.who); !text.empty())
    return text;
  if (theirs.who.inc != deps.whom.inc || theirs.who.node != deps.whom.node)
    return "another node answers there";
  auto is_theirs = [&](const caf::strong_actor_ptr &x) {
    return x && theirs.peer_port && x->node() == theirs.peer_port->node() && x->node() != self->node();
  };
  if (!is_theirs(theirs.peer_port) || theirs.inboxes.size() > max_handles ||
      theirs.routers.size() > max_handles || !std::ranges::all_of(theirs.inboxes, is_theirs) ||
      !std::ranges::all_of(theirs.routers, is_theirs))
    return "its hello names no actors of its own";
  return {};
}

caf::result<hello_answer> peer_state::on_hello(link_hello &theirs) {
  auto text = objection(theirs);
  if (text.empty() && (dials || stopping))
    text = dials ? "this side is the one that connects" : "this node is stopping";
  if (!text.empty())
    return hello_answer{text, false, own_hello(0)};
  auto promise = self->make_response_promise<hello_answer>();
  // The newest connection of that node is the one on which this hello came: it says no second one before the
  // first was answered.
  auto node = theirs.peer_port->node();
  self->request(deps.broker, broker_timeout, admit_atom_v, node)
      .then(
          [this, promise, theirs = std::move(theirs)](uint64_t connection) mutable {
            if (connection == 0 || stopping) {
              promise.deliver(hello_answer{"your connection has already ended", false, own_hello(0)});
              return;
            }
            auto epoch = std::max(theirs.who.epoch, link.epoch() + 1);
            if (link.is_up())
              end(link_end::replaced, "the other side began a new link");
            serial = connection;
            begin(theirs, epoch);
            promise.deliver(hello_answer{{}, false, own_hello(epoch)});
          },
          [this, promise](caf::error &) mutable {
            promise.deliver(hello_answer{"the broker is busy", false, own_hello(0)});
          });
  return promise;
}

// -- a link ----

void peer_state::begin(const link_hello &theirs, uint32_t epoch) {
  ++round;
  at = step::idle;
  failure_told = false;
  peer_port = theirs.peer_port;
  link.began(now(), epoch);
  self->monitor(caf::actor_cast<caf::actor>(peer_port));
  auto &counters = deps.shared->counters;
  link_counters::add(counters.begun);
  counters.up.fetch_add(1, std::memory_order_relaxed);
  log::info("links", "link.up",
            {{"node", deps.whom.node},
             {"epoch", epoch},
             {"loops", theirs.inboxes.size()},
             {"protocol",
              std::to_string(theirs.who.protocol.oldest) + "-" + std::to_string(theirs.who.protocol.newest)},
             {"dialled", dials}});
  peer_news news;
  news.what = {deps.whom.node, deps.whom.inc,  epoch, true,
               theirs.inboxes, theirs.routers, {},    theirs.doubtful};
  news.peer_port = peer_port;
  self->send(deps.mesh, link_atom_v, std::move(news));
  wake_at(now());
}

void peer_state::ping() {
  auto sent = now();
  link_counters::add(deps.shared->counters.pings);
  self->request(caf::actor_cast<peer_port_actor>(peer_port), ping_timeout, caf::ping_atom_v)
      .then(
          [this, sent, mine = round](caf::pong_atom) {
            if (mine != round || !link.is_up())
              return;
            link.pong(sent);
            deps.shared->counters.pong(now() - sent);
          },
          [](const caf::error &) {
            // Silence is judged by the clock.
          });
}

void peer_state::end(link_end why, const std::string &text) {
  ++round;
  link.ended(now(), any());
  self->demonitor(caf::actor_cast<caf::actor>(peer_port));
  auto node = peer_port->node();
  peer_port = nullptr;
  auto &counters = deps.shared->counters;
  counters.end(why);
  counters.up.fetch_sub(1, std::memory_order_relaxed);
  log::warn(
      "links", "link.down",
      {{"node", deps.whom.node}, {"epoch", link.epoch()}, {"reason", to_string(why)}, {"detail", text}});
  peer_news news;
  news.what = {deps.whom.node, deps.whom.inc, link.epoch(), false, {}, {}, std::string{to_string(why)},
               false};
  self->send(deps.mesh, link_atom_v, std::move(news));
  // Only when the old connection is out of CAF's tables may a new one begin: CAF would take it for redundant.
  at = step::severing;
  auto done = [this, mine = round] {
    if (mine != round)
      return;
    at = step::idle;
    if (stopping)
      self->quit();
    else if (dials)
      wake_at(link.due());
  };
  self->request(deps.broker, broker_timeout, sever_atom_v, node, std::exchange(serial, 0))
      .then([done](uint32_t) { done(); }, [done](const caf::error &) { done(); });
}

void peer_state::on_sever(uint32_t epoch, const std::string &reason) {
  if (link.is_up() && epoch == link.epoch())
    end(link_end::asked, reason);
}

void peer_state::on_down(const caf::down_msg &what) {
  if (link.is_up() && peer_port && what.source == peer_port->address())
    end(link_end::closed, "the connection ended");
}

void peer_state::stop(bool node_stops) {
  if (std::exchange(stopping, true))
    return;
  if (link.is_up()) {
    end(node_stops ? link_end::stopped : link_end::left_view,
        node_stops ? "this node is stopping" : "it has left the view");
  } else if (at != step::severing) {
    ++round;
    if (serial != 0)
      caf::anon_send(deps.broker, sever_atom_v, std::exchange(serial, 0));
    self->quit();
  }
}

} // namespace stentor::actors
