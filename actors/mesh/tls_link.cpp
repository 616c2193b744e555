// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/tls_link.hpp"

#include "actors/telemetry/log.hpp"

#include <openssl/err.h>

namespace stentor::actors {

namespace {

using caf::io::network::native_socket;
using caf::io::network::operation;
using caf::io::network::rw_state;

log::once_a_second failed_line;

} // namespace

// -- the stream ----

tls_stream::tls_stream(link_middleman &via, native_socket fd, bool accepted)
    : stream{via.multiplexer(), fd}, shared_{via.transport()}, session_{
                                                                   shared_.tls->make_session(fd, accepted)} {}

void tls_stream::handle_event(operation op) {
  if (op == operation::propagate_error || ready_)
    handle_event_impl(op, *this);
  else
    shake_hands(op);
}

void tls_stream::removed_from_loop(operation op) {
  // Closed in the same turn in which it was started: CAF then takes the wish to read back before the loop saw
  // it and tells nobody, and what was started would keep itself alive for good.
  if (op == operation::write && eventbf() == 0)
    stream::removed_from_loop(operation::read);
  stream::removed_from_loop(op); // the last reference may go with it
}

void tls_stream::shake_hands(operation op) {
  ERR_clear_error();
  auto returned = session_ ? SSL_do_handshake(session_.get()) : -1;
  if (returned == 1) {
    ready_ = true;
    on_ready_();
    // The first bytes may have come with the handshake's last.
    handle_event_impl(operation::read, *this);
    return;
  }
  auto wants = session_ ? SSL_get_error(session_.get(), returned) : SSL_ERROR_SSL;
  if (wants == SSL_ERROR_WANT_WRITE)
    return; // still polled for writing, or the socket's buffer holds a whole flight
  if (wants == SSL_ERROR_WANT_READ) {
    // Not polled for writing meanwhile: it is always possible, and the thread would spin.
    if (op == operation::write)
      handle_event_impl(op, *this);
    return;
  }
  // Anything else is the connection's end, and no word about certificates would mend that.
  if (wants == SSL_ERROR_SSL)
    tell_failure();
  handle_event_impl(operation::propagate_error, *this);
  backend().del(operation::read, fd(), this);
  backend().del(operation::write, fd(), this);
}

rw_state tls_stream::outcome(int returned, size_t &result) {
  result = 0;
  if (returned > 0) {
    result = static_cast<size_t>(returned);
    return rw_state::success;
  }
  switch (SSL_get_error(session_.get(), returned)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    return rw_state::success;
  case SSL_ERROR_ZERO_RETURN:
  case SSL_ERROR_SYSCALL:
    return rw_state::failure;
  default:
    tell_failure();
    return rw_state::failure;
  }
}

rw_state tls_stream::read_some(size_t &result, native_socket, void *bytes, size_t size) {
  // An error that another connection left in this thread's queue would be taken for ours.
  ERR_clear_error();
  return outcome(SSL_read(session_.get(), bytes, static_cast<int>(size)), result);
}

rw_state tls_stream::write_some(size_t &result, native_socket, const void *bytes, size_t size) {
  if (size == 0) {
    result = 0;
    return rw_state::indeterminate;
  }
  ERR_clear_error();
  return outcome(SSL_write(session_.get(), bytes, static_cast<int>(size)), result);
}

bool tls_stream::must_read_more(native_socket, size_t threshold) {
  return static_cast<size_t>(SSL_pending(session_.get())) >= threshold;
}

void tls_stream::tell_failure() {
  shared_.counters.refuse(peer_refusal::tls);
  auto from = caf::io::network::remote_addr_of_fd(fd());
  auto port = caf::io::network::remote_port_of_fd(fd());
  failed_line.warn(std::chrono::steady_clock::now(), "links", "tls.failed",
                   {{"peer", from ? *from + ":" + std::to_string(port ? *port : 0) : std::string{"unknown"}},
                    {"error", take_tls_error()},
                    {"hint", "both nodes need certificates of the same CA: peer-ca, peer-cert, peer-key"}});
}

// -- the scribe ----

tls_scribe::tls_scribe(link_middleman &via, native_socket fd, bool accepted)
    : scribe{caf::io::network::conn_hdl_from_socket(fd)}, stream_{via, fd, accepted}, accepted_{accepted} {
  stream_.on_ready([this] {
    auto early = std::move(early_);
    early_ = {};
    if (!early.empty())
      stream_.write(early.data(), early.size());
    stream_.flush(this);
  });
}

void tls_scribe::configure_read(caf::io::receive_policy::config config) {
  stream_.configure_read(config);
  if (std::exchange(launched_, true))
    return;
  stream_.start(this);
  // Who dialled speaks first: when the socket can be written, it is connected.
  if (!accepted_)
    stream_.force_empty_write(this);
}

void tls_scribe::flush() {
  if (stream_.is_ready())
    stream_.flush(this);
}

void tls_scribe::graceful_shutdown() {
  stream_.graceful_shutdown();
  detach(&stream_.backend(), false);
}

std::string tls_scribe::addr() const {
  auto x = caf::io::network::remote_addr_of_fd(stream_.fd());
  return x ? *x : std::string{};
}

uint16_t tls_scribe::port() const {
  auto x = caf::io::network::remote_port_of_fd(stream_.fd());
  return x ? *x : uint16_t{0};
}

// -- the doorman ----

tls_doorman::tls_doorman(link_middleman &via, native_socket fd)
    : doorman_impl{via.multiplexer(), fd}, via_{via} {}

bool tls_doorman::new_connection() {
  // Closed by the broker in the same round of events.
  if (detached())
    return false;
  auto connected = caf::make_counted<tls_scribe>(via_, acceptor_.accepted_socket(), true);
  auto which = connected->hdl();
  parent()->add_scribe(std::move(connected));
  return doorman::new_connection(&acceptor_.backend(), which);
}

} // namespace stentor::actors
