// SPDX-License-Identifier: Apache-2.0
// The load generator's sockets: thousands of client connections on one thread and one epoll, each corked, so
// that whatever one turn has to say on a connection leaves in one system call. The same for the floor and
// for the server under test: what differs is the `dialect`. Owned and driven by one scenario on one thread.
#pragma once

#include "net/address.hpp"
#include "tests/bench/payload.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::bench {

class dialect;

/// What the server said about a connection's end, for those that come back; zeros where it said nothing.
struct last_words {
  int http_status = 0;        ///< where it answered the upgrade with something else
  uint32_t retry_after_s = 0; ///< beside that
  uint16_t close_code = 0;
};

/// One client connection. Lives at a fixed address as long as its fleet.
struct connection {
  enum class stage : uint8_t { closed, connecting, greeting, ready };

  dialect *speaks = nullptr;
  uint32_t index = 0; ///< within its fleet, from 0
  int fd = -1;
  stage at = stage::closed;
  uint8_t dialect_state = 0; ///< for the dialect
  bool dirty = false;
  bool waits_for_write = false;
  last_words said;   ///< set by the dialect before the connection is lost; of the current or last socket
  std::string out;   ///< corked
  std::string input; ///< bytes of an incomplete frame
};

/// What happens on a fleet's connections. Called within `fleet::turn`; may write to any connection.
class fleet_events {
public:
  virtual ~fleet_events() = default;
  /// The greeting is over: the server knows who this is.
  virtual void on_ready(connection &) {}
  /// A message with the payload `data` (as far as it could be found) arrived.
  virtual void on_message(connection &, std::string_view data) {}
  /// The verdict of the message whose id starts with this stream and number.
  virtual void on_verdict(connection &, uint32_t stream, uint64_t number, std::string_view verdict) {}
  /// A whole HTTP response.
  virtual void on_response(connection &, int status, std::string_view body) {}
  /// The connection is gone, and nobody here had asked for it.
  virtual void on_lost(connection &, std::string_view why) {}
};

/// How a connection speaks. One object serves any number of connections.
class dialect {
public:
  virtual ~dialect() = default;
  /// Appends what a client says first. True where the connection is ready with that, without an answer.
  virtual bool greet(connection &c, std::string &out) = 0;
  /// Takes whole frames off the front of `bytes`, returns how many bytes it took. Calls `fleet::ready`,
  /// `fleet_events`, or `fleet::lose`; after `lose` the returned number does not matter.
  virtual size_t consume(class fleet &f, connection &c, std::string_view bytes) = 0;
  /// Appends one message to the device `fields.target`.
  virtual void append_message(std::string &out, const payload_fields &fields) = 0;
  /// Called after the messages of one request, where the server answers requests and not messages.
  virtual void end_request(std::string &) {}
};

class fleet {
public:
  /// `source_net`: connections come from 127.`source_net`.0.1 and up, so that closed ones waiting in
  /// TIME_WAIT never use up the ports of a later round.
  explicit fleet(uint8_t source_net);
  ~fleet();
  fleet(const fleet &) = delete;
  fleet &operator=(const fleet &) = delete;

  /// Adds a closed connection; its index is the number of those before it.
  connection &add(dialect &speaks, const net::socket_address &server);
  size_t size() const noexcept { return connections_.size(); }
  connection &at(size_t index) noexcept { return *connections_[index].socket; }

  /// Where the next `open` of `c` goes.
  void set_server(const connection &c, const net::socket_address &server) noexcept {
    connections_[c.index].server = server;
  }
  /// Starts connecting; the greeting follows by itself. False where a system call fails.
  bool open(connection &c);
  /// Closes with RST, so that no port waits in TIME_WAIT, or with FIN.
  void close(connection &c, bool reset);
  void close_all(bool reset);

  /// `nullptr`: nobody.
  void listen_to(fleet_events *events) noexcept { events_ = events ? events : &none_; }
  fleet_events &events() noexcept { return *events_; }

  /// The cork of `c`, sent at the end of this turn.
  std::string &cork(connection &c) {
    if (!c.dirty) {
      c.dirty = true;
      dirty_.push_back(&c);
    }
    return c.out;
  }

  /// Waits at most `wait_ns` for something to happen, handles all of it, then flushes every corked
  /// connection once. Returns the number of events.
  size_t turn(uint64_t wait_ns);
  void flush();

  size_t ready_count() const noexcept { return ready_; }
  /// Why the first of the lost connections was lost; empty while none was.
  const std::string &first_loss() const noexcept { return first_loss_; }
  /// Connections that are neither closed nor ready.
  size_t under_way() const noexcept { return under_way_; }

  // -- for dialects ----
  void ready(connection &c);
  void lose(connection &c, std::string_view why);

private:
  struct slot {
    std::unique_ptr<connection> socket;
    net::socket_address server;
  };
  void on_event(connection &c, uint32_t events);
  void connected(connection &c);
  void receive(connection &c);
  void send(connection &c);
  void watch(connection &c, int operation, bool for_write);
  void settle(connection &c, connection::stage next);

  int epoll_;
  uint8_t source_net_;
  uint32_t opened_ = 0;
  fleet_events none_;
  fleet_events *events_ = &none_;
  std::vector<slot> connections_;
  std::vector<connection *> dirty_;
  std::vector<char> buffer_;
  std::string first_loss_;
  size_t ready_ = 0;
  size_t under_way_ = 0;
};

} // namespace stentor::bench
