// SPDX-License-Identifier: Apache-2.0
// Servers for client tests, on the client's own loop or on a thread: one that speaks WebSocket properly
// through `device_socket`, and one that says exactly the bytes it is told to.
#pragma once

#include "net/client/client_device.hpp"
#include "net/listener.hpp"
#include "net/websocket/device_socket.hpp"
#include "tests/net/socket_pair.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace stentor::net::client {

inline std::unique_ptr<listener> listen_anywhere(event_loop &loop, const limits &lim, accept_events &events) {
  auto made = listener::make(loop, *parse_address("127.0.0.1:0"), lim, events);
  EXPECT_TRUE(made);
  return made ? std::move(*made) : nullptr;
}

/// Upgrades and keeps everything; `on_message` may answer.
class ws_server : public accept_events {
public:
  struct peer final : device_events {
    explicit peer(ws_server &s) : server{s} {}
    ws_server &server;
    std::unique_ptr<device_socket> socket;
    std::string query, authorization;
    std::vector<std::string> messages;
    std::optional<device_end> end;

    upgrade_answer on_upgrade(const upgrade_request &request) override {
      query = request.query;
      authorization = request.authorization;
      auto answer = server.answer;
      if (request.wanted)
        answer.chosen = *request.wanted;
      return answer;
    }
    void on_open() override {
      if (server.on_open)
        server.on_open(*this);
    }
    void on_message(std::span<char> body) override {
      messages.emplace_back(body.data(), body.size());
      if (server.on_message)
        server.on_message(*this, messages.back());
    }
    void on_frames_written(size_t) override {}
    void on_device_end(const device_end &how) override {
      end = how;
      socket.reset();
    }
    void welcome(std::string_view session, uint32_t heartbeat_ms = 25000) {
      std::string out;
      welcome_frame frame;
      frame.device = "d";
      frame.account = "a";
      frame.session = session;
      frame.heartbeat_ms = heartbeat_ms;
      encode(socket->encoding(), out, frame);
      socket->send(out, false);
    }
    void goaway(uint32_t reconnect_in_ms, std::string_view reason) {
      std::string out;
      encode(socket->encoding(), out, goaway_frame{reconnect_in_ms, reason});
      socket->send(out, false);
    }
  };

  explicit ws_server(event_loop &loop) : loop_{loop}, listener_{listen_anywhere(loop, limits_, *this)} {}

  void on_accepted(int fd, const socket_address &) override {
    peers.push_back(std::make_unique<peer>(*this));
    auto &x = *peers.back();
    x.socket = std::make_unique<device_socket>(loop_, fd, x, limits_);
    ASSERT_TRUE(x.socket->start());
  }
  void on_accept_trouble(int) override {}

  socket_address at() const { return listener_->local_address(); }
  std::string host() const { return to_string(at()); }
  /// Nothing listens any more.
  void stop_listening() { listener_.reset(); }

  upgrade_answer answer;
  std::function<void(peer &)> on_open;
  std::function<void(peer &, const std::string &)> on_message;
  std::vector<std::unique_ptr<peer>> peers;

private:
  event_loop &loop_;
  limits limits_;
  std::unique_ptr<listener> listener_;
};

/// Accepts and leaves the bytes to the test.
class raw_server : public accept_events {
public:
  explicit raw_server(event_loop &loop) : listener_{listen_anywhere(loop, limits_, *this)} {}
  void on_accepted(int fd, const socket_address &) override {
    peers.push_back(std::make_unique<raw_peer>(fd));
  }
  void on_accept_trouble(int) override {}
  socket_address at() const { return listener_->local_address(); }
  std::string host() const { return to_string(at()); }
  /// Everything read on the latest connection so far.
  std::string &got() {
    peers.back()->read();
    return peers.back()->got();
  }
  std::vector<std::unique_ptr<raw_peer>> peers;

private:
  limits limits_;
  std::unique_ptr<listener> listener_;
};

/// An address where nothing listens.
inline socket_address closed_address(event_loop &loop) {
  raw_server gone{loop};
  return gone.at();
}

} // namespace stentor::net::client
