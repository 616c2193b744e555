// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_broker.hpp"

#include "actors/telemetry/log.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/io/middleman.hpp>

#include <sys/socket.h>

namespace stentor::actors {

namespace {

namespace basp = caf::io::basp;
using caf::io::receive_policy;
using overflow_atom = caf::atom_constant<caf::atom("overflow")>;

constexpr std::chrono::seconds look_interval{1};

log::once_a_second refused_line;

} // namespace

caf::actor link_broker_of(caf::actor_system &sys) {
  return sys.middleman().named_broker<link_broker>(caf::atom("BASP"));
}

link_broker::link_broker(caf::actor_config &cfg)
    : basp_broker{cfg}, shared_{
                            static_cast<link_middleman &>(basp_broker::system().middleman()).transport()} {}

caf::behavior link_broker::make_behavior() {
  std::vector<char> bytes;
  caf::binary_serializer sink{nullptr, bytes};
  auto node = instance.this_node();
  if (auto err = sink(node); !err)
    own_node_.assign(bytes.begin(), bytes.end());
  auto basp_behavior = basp_broker::make_behavior();
  delayed_send(this, look_interval, caf::tick_atom_v);
  // Those named here take the place of BASP's own handlers.
  caf::message_handler mine{
      [this](caf::io::new_data_msg &what) { on_bytes(what); },
      [this](const caf::io::new_connection_msg &what) { on_connected(what); },
      [this](caf::connect_atom, caf::io::scribe_ptr &ptr, uint16_t port, uint64_t serial) {
        on_dialled(ptr, port, serial);
      },
      [this](const caf::io::connection_closed_msg &what) { on_closed(what.handle); },
      [this](caf::forward_atom, caf::strong_actor_ptr &from, const actors_of &stages,
             caf::strong_actor_ptr &to, caf::message_id id,
             const caf::message &message) { on_forward(from, stages, to, id, message); },
      [this](caf::publish_atom, uint16_t port, const caf::strong_actor_ptr &at_port, const actors_of &inboxes,
             const actors_of &routers) { on_publish(port, at_port, inboxes, routers); },
      [this](admit_atom, const caf::node_id &node) { return adopt(node); },
      [this](sever_atom, const caf::node_id &node, uint64_t upto) { return sever(node, upto); },
      [this](sever_atom, uint64_t serial) { return sever(serial); },
      [this](overflow_atom, uint64_t serial) { on_overflow(serial); },
      [this](caf::tick_atom) {
        look_after_strangers();
        delayed_send(this, look_interval, caf::tick_atom_v);
      },
  };
  return mine.or_else(basp_behavior);
}

bool link_broker::cleanup(caf::error &&reason, caf::execution_unit *host) {
  close_all();
  // Past the parent's own on purpose, it is the one that leaves the mailbox open.
  return caf::scheduled_actor::cleanup( // NOLINT(bugprone-parent-virtual-call)
      std::move(reason), host);
}

// -- connections come and go ----

void link_broker::add(handle which, bool dialled, uint64_t serial) {
  auto &lim = shared_.options.lim;
  link_filter filter{receivers_, own_node_, {lim.max_message_bytes, lim.max_stranger_bytes}, dialled};
  connections_.insert_or_assign(which,
                                connection{serial, clock::now() + lim.hello_timeout, std::move(filter)});
  ++strangers_;
}

void link_broker::on_connected(const caf::io::new_connection_msg &what) {
  if (strangers_ >= shared_.options.lim.max_strangers) {
    refuse(what.handle, peer_refusal::crowded, "too many connections without a hello");
    return;
  }
  add(what.handle, false, shared_.next_serial());
  instance.write_server_handshake(context(), get_buffer(what.handle), local_port(what.source));
  flush(what.handle);
  configure_read(what.handle, receive_policy::exactly(basp::header_size));
}

void link_broker::on_dialled(caf::io::scribe_ptr &ptr, uint16_t port, uint64_t serial) {
  auto promise = make_response_promise();
  auto which = ptr->hdl();
  add_scribe(std::move(ptr));
  add(which, true, serial);
  set_context(which);
  this_context->remote_port = port;
  this_context->callback = std::move(promise);
  configure_read(which, receive_policy::exactly(basp::header_size));
  instance.write_client_handshake(context(), get_buffer(which));
  flush(which);
}

void link_broker::on_closed(handle which) {
  // Messages are deserialised as they come, on this thread: none of this connection is still on its way.
  forget(which, caf::sec::none);
}

void link_broker::forget(handle which, caf::sec code) {
  if (auto found = connections_.find(which); found != connections_.end()) {
    strangers_ -= !found->second.filter.is_adopted();
    connections_.erase(found);
  }
  connection_cleanup(which, code);
}

void link_broker::cut(handle which, caf::sec code) {
  // CAF closes a connection once everything was sent, which a stalled one never is: reset it. Its events then
  // tell the multiplexer to drop the socket with whatever waits. A TCP handle is the descriptor.
  auto fd = static_cast<int>(which.id());
  linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  wr_buf(which) = {};
  ::shutdown(fd, SHUT_RDWR);
  forget(which, code);
  close(which);
}

void link_broker::refuse(handle which, peer_refusal why, const char *text) {
  shared_.counters.refuse(why);
  auto from = remote_addr(which) + ":" + std::to_string(remote_port(which));
  auto found = connections_.find(which);
  // A link ends with this: one line for each, and hellos bound how many. Anybody can connect and be refused.
  if (found != connections_.end() && found->second.filter.is_adopted())
    log::error("links", "link.refused_message",
               {{"from", from}, {"reason", to_string(why)}, {"detail", text}});
  else
    refused_line.warn(clock::now(), "links", "connection.refused",
                      {{"from", from}, {"reason", to_string(why)}, {"detail", text}});
  cut(which, caf::sec::malformed_basp_message);
}

void link_broker::look_after_strangers() {
  if (strangers_ == 0)
    return;
  auto now = clock::now();
  std::vector<handle> late;
  for (auto &[which, conn] : connections_)
    if (!conn.filter.is_adopted() && conn.until <= now)
      late.push_back(which);
  for (auto which : late)
    refuse(which, peer_refusal::silent, "no valid hello in time");
}

uint64_t link_broker::adopt(const caf::node_id &node) {
  uint64_t newest = 0;
  for (auto &[which, conn] : connections_) {
    if (!conn.filter.is_greeted() || instance.tbl().lookup_direct(which) != node)
      continue;
    strangers_ -= !conn.filter.is_adopted();
    conn.filter.adopt();
    newest = std::max(newest, conn.serial);
  }
  return newest;
}

uint32_t link_broker::sever(const caf::node_id &node, uint64_t upto) {
  std::vector<handle> which;
  for (auto &[candidate, conn] : connections_)
    if (conn.serial <= upto && instance.tbl().lookup_direct(candidate) == node)
      which.push_back(candidate);
  for (auto x : which)
    cut(x, caf::sec::none);
  return static_cast<uint32_t>(which.size());
}

uint32_t link_broker::sever(uint64_t serial) {
  auto which = find(serial);
  if (which.invalid())
    return 0;
  cut(which, caf::sec::none);
  return 1;
}

link_broker::handle link_broker::find(uint64_t serial) const {
  for (auto &[which, conn] : connections_)
    if (conn.serial == serial)
      return which;
  return caf::io::invalid_connection_handle;
}

// -- actors ----

void link_broker::on_publish(uint16_t port, const caf::strong_actor_ptr &at_port, const actors_of &inboxes,
                             const actors_of &routers) {
  auto open = [this](local_actor_ids &ids, const caf::strong_actor_ptr &who) {
    basp_broker::system().registry().put(who->id(), who);
    ids.insert(who->id());
  };
  open(receivers_.ports, at_port);
  for (auto &who : inboxes)
    open(receivers_.inboxes, who);
  for (auto &who : routers)
    open(receivers_.routers, who);
  instance.add_published_actor(port, at_port, {});
}

void link_broker::on_forward(caf::strong_actor_ptr &from, const actors_of &stages, caf::strong_actor_ptr &to,
                             caf::message_id id, const caf::message &what) {
  if (!to || to->node() == this_node())
    return;
  if (from && from->node() == this_node()) {
    basp_broker::system().registry().put(from->id(), from);
    if (id.is_request())
      for (auto &[which, conn] : connections_)
        if (conn.filter.is_greeted() && instance.tbl().lookup_direct(which) == to->node())
          conn.filter.expect_answer_for(from->id());
  }
  if (!instance.dispatch(context(), from, stages, to->node(), to->id(), 0, id, what) && id.is_request())
    caf::detail::sync_request_bouncer{caf::exit_reason::remote_link_unreachable}(from, id);
}

caf::strong_actor_ptr link_broker::make_proxy(caf::node_id node, caf::actor_id id) {
  if (instance.tbl().lookup_direct(node))
    return basp_broker::make_proxy(std::move(node), id);
  // Deserialising workers would write this from threads of their own; a node has none.
  if (shared_.options.workers == 0)
    third_nodes_.push_back(std::move(node));
  return nullptr;
}

bool link_broker::names_third_nodes(handle which) {
  if (third_nodes_.empty())
    return false;
  // CAF has made an entry for each of these.
  for (auto &node : std::exchange(third_nodes_, {}))
    instance.proxies().erase(node);
  refuse(which, peer_refusal::forbidden, "actors of another node");
  return true;
}

// -- bytes ----

void link_broker::flush(handle which) {
  basp_broker::flush(which);
  // In the middle of CAF's writing, so only noted here.
  auto unsent = wr_buf(which).size();
  if (unsent <= shared_.options.lim.max_unsent_bytes)
    return;
  auto found = connections_.find(which);
  if (found == connections_.end() || std::exchange(found->second.overflowing, true))
    return;
  send(this, overflow_atom::value, found->second.serial);
}

void link_broker::on_overflow(uint64_t serial) {
  auto which = find(serial);
  if (which.invalid())
    return;
  link_counters::add(shared_.counters.overflows);
  log::warn("links", "connection.overflow",
            {{"to", remote_addr(which) + ":" + std::to_string(remote_port(which))},
             {"unsent_bytes", wr_buf(which).size()}});
  cut(which, caf::sec::none);
}

link_filter::verdict link_broker::judge(connection &conn, const caf::io::new_data_msg &what,
                                        bool is_payload) {
  using verdict = link_filter::verdict;
  auto &filter = conn.filter;
  auto said = is_payload ? filter.payload(what.buf) : filter.header(what.buf);
  if (said == verdict::malformed)
    refuse(what.handle, peer_refusal::malformed, filter.why());
  else if (said == verdict::forbidden)
    refuse(what.handle, peer_refusal::forbidden, filter.why());
  return said;
}

void link_broker::on_bytes(caf::io::new_data_msg &what) {
  auto which = what.handle;
  auto found = connections_.find(which);
  if (found == connections_.end()) {
    close(which);
    return;
  }
  set_context(which);
  auto &state = *this_context;
  auto is_payload = state.cstate == basp::await_payload;
  auto next = basp::await_header;
  switch (judge(found->second, what, is_payload)) {
  case link_filter::verdict::pass:
    next = instance.handle(context(), what, state.hdr, is_payload);
    break;
  case link_filter::verdict::drop: // of a payload: the next header follows
    break;
  case link_filter::verdict::malformed:
  case link_filter::verdict::forbidden:
    return;
  }
  if (names_third_nodes(which))
    return;
  if (basp::requires_shutdown(next)) {
    auto code = basp::to_sec(next);
    if (code == caf::sec::malformed_basp_message || code == caf::sec::serializing_basp_payload_failed)
      refuse(which, peer_refusal::malformed, "BASP payload that does not parse");
    else
      cut(which, code);
    return;
  }
  if (next == state.cstate)
    return;
  if (is_payload && instance.tbl().lookup_direct(which))
    found->second.filter.greet();
  configure_read(which, receive_policy::exactly(next == basp::await_payload ? state.hdr.payload_len
                                                                            : basp::header_size));
  state.cstate = next;
}

} // namespace stentor::actors
