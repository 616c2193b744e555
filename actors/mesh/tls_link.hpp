// SPDX-License-Identifier: Apache-2.0
// A link's connection over TLS for CAF's multiplexer. CAF's own has three faults (docs/decisions/0015): it
// never empties OpenSSL's error queue, so that one peer's failed handshake ends a healthy link of the same
// thread; it spins while a handshake waits; and it loads the certificates again for each connection. Runs on
// the multiplexer's thread except for construction.
#pragma once

#include "actors/mesh/transport.hpp"

#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/stream.hpp>
#include <caf/io/scribe.hpp>

#include <functional>

namespace stentor::actors {

/// The byte stream: reads and writes through OpenSSL once the handshake is done, nothing before.
class tls_stream final : public caf::io::network::stream {
public:
  using rw_state = caf::io::network::rw_state;
  using native_socket = caf::io::network::native_socket;

  tls_stream(link_middleman &via, native_socket fd, bool accepted);
  void handle_event(caf::io::network::operation op) override;
  void removed_from_loop(caf::io::network::operation op) override;

  bool is_ready() const noexcept { return ready_; }
  /// Called once, when the handshake is done.
  void on_ready(std::function<void()> told) { on_ready_ = std::move(told); }

  // -- what CAF's stream asks of its policy ----
  rw_state read_some(size_t &result, native_socket, void *bytes, size_t size);
  rw_state write_some(size_t &result, native_socket, const void *bytes, size_t size);
  bool must_read_more(native_socket, size_t threshold);

private:
  void shake_hands(caf::io::network::operation op);
  rw_state outcome(int returned, size_t &result);
  void tell_failure();

  transport &shared_;
  tls_context::session session_;
  std::function<void()> on_ready_;
  bool ready_ = false;
};

/// One connection.
class tls_scribe final : public caf::io::scribe {
public:
  tls_scribe(link_middleman &via, caf::io::network::native_socket fd, bool accepted);

  void configure_read(caf::io::receive_policy::config config) override;
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char> &wr_buf() override { return stream_.is_ready() ? stream_.wr_buf() : early_; }
  std::vector<char> &rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override;
  void flush() override;
  std::string addr() const override;
  uint16_t port() const override;
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

private:
  tls_stream stream_;
  std::vector<char> early_; ///< written before the handshake was done
  bool launched_ = false;
  bool accepted_;
};

/// The listening socket.
class tls_doorman final : public caf::io::network::doorman_impl {
public:
  tls_doorman(link_middleman &via, caf::io::network::native_socket fd);
  bool new_connection() override;

private:
  link_middleman &via_;
};

} // namespace stentor::actors
