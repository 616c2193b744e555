// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_broker.hpp"

#include "actors/telemetry/log.hpp"

#include <caf/io/middleman.hpp>

#include <sys/socket.h>

namespace stentor::actors {

namespace {

namespace basp = caf::io::basp;
using caf::io::receive_policy;
using overflow_atom = caf::atom_constant<caf::atom("overflow")>;

constexpr std::chrono::seconds look_interval{1};
// A handshake names a node, an actor and its interface, and the application's identifiers.
constexpr size_t max_handshake_bytes = 4096;
// Monitors and down messages: two nodes and an error.
constexpr size_t max_notice_bytes = 4096;

log::once_a_second refused_line;

} // namespace

caf::actor link_broker_of(caf::actor_system &sys) {
  return sys.middleman().named_broker<link_broker>(caf::atom("BASP"));
}

link_broker::link_broker(caf::actor_config &cfg)
    : basp_broker{cfg}, shared_{
                            static_cast<link_middleman &>(basp_broker::system().middleman()).transport()} {}

caf::behavior link_broker::make_behavior() {
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
      [this](adopt_atom, const caf::node_id &node) { return adopt(node); },
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
  auto &conn = connections_[which];
  conn = {};
  conn.serial = serial;
  conn.until = clock::now() + shared_.options.lim.hello_timeout;
  conn.dialled = dialled;
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
    strangers_ -= !found->second.adopted;
    connections_.erase(found);
  }
  auto node = instance.tbl().lookup_direct(which);
  connection_cleanup(which, code);
  // BASP would keep one actor for each node it ever met.
  if (auto server = spawn_servers.find(node);
      server != spawn_servers.end() && !instance.tbl().lookup_direct(node)) {
    caf::anon_send_exit(server->second, caf::exit_reason::kill);
    spawn_servers.erase(server);
  }
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
  refused_line.warn(clock::now(), "links", "connection.refused",
                    {{"from", remote_addr(which) + ":" + std::to_string(remote_port(which))},
                     {"why", to_string(why)},
                     {"text", text}});
  cut(which, caf::sec::malformed_basp_message);
}

void link_broker::look_after_strangers() {
  if (strangers_ == 0)
    return;
  auto now = clock::now();
  std::vector<handle> late;
  for (auto &[which, conn] : connections_)
    if (!conn.adopted && conn.until <= now)
      late.push_back(which);
  for (auto which : late)
    refuse(which, peer_refusal::silent, "no good hello within the time");
}

uint64_t link_broker::adopt(const caf::node_id &node) {
  uint64_t newest = 0;
  for (auto &[which, conn] : connections_) {
    if (!conn.known || instance.tbl().lookup_direct(which) != node)
      continue;
    strangers_ -= !conn.adopted;
    conn.adopted = true;
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

const char *link_broker::objection(const std::vector<char> &bytes, const connection &conn) {
  basp::header hdr{};
  caf::binary_deserializer source{context(), bytes};
  if (source(hdr) || !basp::valid(hdr))
    return "not a BASP header";
  auto &lim = shared_.options.lim;
  auto within = [&](size_t most) { return hdr.payload_len <= most ? nullptr : "message too long"; };
  switch (hdr.operation) {
  case basp::message_type::server_handshake:
  case basp::message_type::client_handshake:
    // CAF 0.17 follows a null pointer where a handshake has no payload.
    if (hdr.payload_len == 0)
      return "empty handshake";
    // Who dialled speaks as a client, and the other as a server.
    if (conn.dialled != (hdr.operation == basp::message_type::server_handshake))
      return "handshake of the wrong side";
    return within(max_handshake_bytes);
  case basp::message_type::direct_message:
    if (!conn.known)
      return "message before the handshake";
    // Whom we dialled stands where the directory says, and may send batches right behind its answer to our
    // hello, before we have read that.
    return within(conn.adopted || conn.dialled ? lim.max_message_bytes : lim.max_stranger_bytes);
  case basp::message_type::routed_message:
    return "routed message"; // every link is direct
  case basp::message_type::monitor_message:
  case basp::message_type::down_message:
    if (!conn.known)
      return "message before the handshake";
    return within(max_notice_bytes);
  case basp::message_type::heartbeat:
    return nullptr;
  }
  return "unknown operation";
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
  if (!is_payload)
    if (auto *text = objection(what.buf, found->second)) {
      refuse(which, peer_refusal::malformed, text);
      return;
    }
  auto next = instance.handle(context(), what, state.hdr, is_payload);
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
  if (is_payload && !found->second.known)
    found->second.known = static_cast<bool>(instance.tbl().lookup_direct(which));
  configure_read(which, receive_policy::exactly(next == basp::await_payload ? state.hdr.payload_len
                                                                            : basp::header_size));
  state.cstate = next;
}

} // namespace stentor::actors
