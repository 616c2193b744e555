// SPDX-License-Identifier: Apache-2.0
// A device's socket under test: its owner writes down what happens, its device is a plain peer.
#pragma once

#include "net/websocket/device_socket.hpp"

#include "tests/net/socket_pair.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stentor::net {

inline constexpr std::string_view good_key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 1.3
inline constexpr std::string_view good_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

inline std::string request(std::string_view extra = {}, std::string_view target = "/v1/connect?a=b") {
  return "GET " + std::string{target} +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string{good_key} + "\r\n" + std::string{extra} + "\r\n";
}

inline std::string masked(opcode kind, std::string_view body) {
  std::string out;
  append_masked_frame(out, kind, body, 0x12345678);
  return out;
}

inline std::string plain(opcode kind, std::string_view body) {
  std::array<char, 10> space;
  return std::string{frame_header(kind, body.size(), space)}.append(body);
}

class device_socket_fixture : public testing::Test, public device_events {
protected:
  device_socket_fixture() : loop_{std::move(*event_loop::make())}, clock_{*loop_} {}

  void connect(int buffer_bytes = 0) {
    auto [server, client] = tcp_pair(buffer_bytes);
    socket_ = std::make_unique<device_socket>(*loop_, server, *this, limits_);
    ASSERT_TRUE(socket_->start());
    peer_ = std::make_unique<raw_peer>(client);
  }

  /// Sends `head` and reads the answer's head into `head_`.
  void shake(std::string_view head = request()) {
    peer_->send(head);
    ASSERT_TRUE(turn_until(*loop_, [&] {
      peer_->read();
      return peer_->got().find("\r\n\r\n") != std::string::npos;
    }));
    auto end = peer_->got().find("\r\n\r\n") + 4;
    head_ = peer_->got().substr(0, end);
    peer_->got().erase(0, end);
  }

  void open(std::string_view extra = {}) {
    connect();
    shake(request(extra));
    ASSERT_TRUE(head_.starts_with("HTTP/1.1 101 ")) << head_;
  }

  /// Drives turns until the peer has read `bytes` more.
  void expect_bytes(std::string_view bytes) {
    turn_until(*loop_, [&] {
      peer_->read();
      return peer_->got().size() >= bytes.size();
    });
    EXPECT_EQ(peer_->got(), bytes);
    peer_->got().clear();
  }

  /// Drives turns until the peer has read our FIN; then it hangs up, and the socket ends.
  bool until_end() {
    return turn_until(*loop_, [&] {
      peer_->read();
      if (peer_->saw_fin())
        peer_->hang_up();
      return ended_ > 0;
    });
  }

  upgrade_answer on_upgrade(const upgrade_request &r) override {
    path_ = r.path;
    query_ = r.query;
    authorization_ = r.authorization;
    origin_ = r.origin;
    wanted_ = r.wanted;
    offered_ = r.offered_subprotocols;
    auto answer = answer_;
    if (answer.status == 101)
      answer.chosen = r.wanted.value_or(format::json);
    return answer;
  }
  void on_open() override { ++opened_; }
  void on_message(std::span<char> body) override {
    messages_.emplace_back(body.data(), body.size());
    if (on_message_)
      on_message_();
  }
  void on_frames_written(size_t waited_for) override { written_ += waited_for; }
  void on_device_end(const device_end &end) override {
    ++ended_;
    end_ = end;
    socket_.reset();
  }

  limits limits_;
  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  std::unique_ptr<device_socket> socket_;
  std::unique_ptr<raw_peer> peer_;
  std::string head_, path_, query_, authorization_, origin_;
  std::optional<format> wanted_;
  bool offered_ = false;
  upgrade_answer answer_;
  std::function<void()> on_message_;
  std::vector<std::string> messages_;
  size_t opened_ = 0, written_ = 0, ended_ = 0;
  device_end end_;
};

} // namespace stentor::net
