// SPDX-License-Identifier: Apache-2.0
#include "net/client/client_device.hpp"

#include "net/client/upgrade_text.hpp"
#include "tests/net/client/client_fixture.hpp"

namespace stentor::net::client {
namespace {

class client_device_test : public testing::Test, public client_events {
protected:
  client_device_test() : loop_{std::move(*event_loop::make())}, clock_{*loop_} {}

  template <class Server>
  void connect(const Server &server, device_options options = {}) {
    connect_at(server.at(), std::move(options));
  }
  void connect_at(const socket_address &at, device_options options = {}) {
    options.at = at;
    options.host = to_string(at);
    auto made = client_device::connect(*loop_, options, *this);
    ASSERT_TRUE(made) << render(made.error());
    device_ = std::move(*made);
  }
  bool until(const std::function<bool()> &done) { return turn_until(*loop_, done); }
  void expect_open() {
    ASSERT_TRUE(until([this] { return open_ || end_; }));
    ASSERT_TRUE(open_) << end_->reason;
  }
  void expect_end(client_end::kind how) {
    ASSERT_TRUE(until([this] { return end_.has_value(); }));
    EXPECT_EQ(end_->how, how) << end_->reason;
  }

  /// The request of the raw server's latest connection, answered with a good upgrade and `more`.
  void shake(raw_server &server, std::string_view more = {}, std::string_view headers = {}) {
    ASSERT_TRUE(until([&] { return !server.peers.empty() && server.got().ends_with("\r\n\r\n"); }));
    auto &text = server.got();
    auto from = text.find("Sec-WebSocket-Key: ") + 19;
    auto key = text.substr(from, text.find('\r', from) - from);
    text.clear();
    server.peers.back()->send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                              "Upgrade\r\nSec-WebSocket-Accept: " +
                              upgrade_accept(key) + "\r\nSec-WebSocket-Protocol: stentor.v1.msgpack\r\n" +
                              std::string{headers} + "\r\n" + std::string{more});
  }

  void on_open(client_device &) override { open_ = true; }
  void on_frame(client_device &who, std::span<char> body) override {
    frames_.emplace_back(body.data(), body.size());
    if (in_frame_)
      in_frame_(who);
  }
  void on_end(client_device &, const client_end &end) override {
    EXPECT_FALSE(end_) << "told twice";
    end_ = end;
    device_.reset();
  }

  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  std::unique_ptr<client_device> device_;
  bool open_ = false;
  std::vector<std::string> frames_;
  std::optional<client_end> end_;
  std::function<void(client_device &)> in_frame_;
};

std::string plain(opcode kind, std::string_view body) {
  std::array<char, 10> space;
  return std::string{frame_header(kind, body.size(), space)}.append(body);
}

// -- the upgrade ----

TEST_F(client_device_test, exchanges_frames_in_both_formats) {
  for (auto f : {format::json, format::msgpack}) {
    ws_server server{*loop_};
    server.on_message = [](auto &peer, auto &text) { peer.socket->send("echo " + text, false); };
    device_options options;
    options.encoding = f;
    options.token = "some.token.x";
    open_ = false;
    frames_.clear();
    end_.reset();
    connect(server, options);
    expect_open();
    EXPECT_EQ(server.peers.at(0)->authorization, "Bearer some.token.x");
    EXPECT_EQ(server.peers.at(0)->socket->encoding(), f);
    EXPECT_TRUE(device_->send_frame("one"));
    EXPECT_TRUE(device_->send_frame(std::string(70'000, 'x').substr(0, 60'000)));
    ASSERT_TRUE(until([this] { return frames_.size() == 2; }));
    EXPECT_EQ(frames_[0], "echo one");
    EXPECT_EQ(frames_[1].size(), 60'005u);
    device_->close();
    expect_end(client_end::kind::closed);
    EXPECT_EQ(end_->code, close_code::normal);
    EXPECT_TRUE(server.peers[0]->end->handshaken);
  }
}

TEST_F(client_device_test, reads_frames_that_came_with_the_upgrade) {
  raw_server server{*loop_};
  connect(server);
  shake(server, plain(opcode::binary, "first") + plain(opcode::binary, "second").substr(0, 4));
  ASSERT_TRUE(until([this] { return frames_.size() == 1; }));
  EXPECT_EQ(frames_[0], "first");
  server.peers.back()->send("cond");
  ASSERT_TRUE(until([this] { return frames_.size() == 2; }));
  EXPECT_EQ(frames_[1], "second");
}

TEST_F(client_device_test, reads_an_upgrade_that_comes_byte_by_byte) {
  raw_server server{*loop_};
  connect(server);
  ASSERT_TRUE(until([&] { return !server.peers.empty() && server.got().ends_with("\r\n\r\n"); }));
  auto &text = server.got();
  auto from = text.find("Sec-WebSocket-Key: ") + 19;
  auto answer =
      "HTTP/1.1 101 X\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\nsec-websocket-accept: " +
      upgrade_accept(text.substr(from, 24)) + "\r\nSec-WebSocket-Protocol: stentor.v1.msgpack\r\n\r\n";
  for (char c : answer) {
    EXPECT_FALSE(open_);
    server.peers.back()->send({&c, 1});
    loop_->run_turn(std::chrono::milliseconds{5});
  }
  expect_open();
}

TEST_F(client_device_test, tells_the_status_text_and_retry_time_of_a_refusal) {
  ws_server server{*loop_};
  server.answer.status = 503;
  server.answer.reason = "too many connections";
  server.answer.retry_after_s = 7;
  connect(server);
  expect_end(client_end::kind::refused);
  EXPECT_FALSE(open_);
  EXPECT_EQ(end_->http_status, 503);
  EXPECT_EQ(end_->retry_after_s, 7u);
  EXPECT_NE(end_->reason.find("too many connections"), std::string::npos) << end_->reason;
}

TEST_F(client_device_test, does_not_believe_a_bad_upgrade) {
  auto good = [](std::string_view accept, std::string_view protocol, std::string_view more = {}) {
    return "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           std::string{accept} + "\r\nSec-WebSocket-Protocol: " + std::string{protocol} + "\r\n" +
           std::string{more} + "\r\n";
  };
  using make = std::function<std::string(std::string_view)>;
  std::vector<std::pair<const char *, make>> cases{
      {"another key's accept",
       [&](auto) { return good("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "stentor.v1.msgpack"); }},
      {"another subprotocol", [&](auto a) { return good(a, "stentor.v1.json"); }},
      {"an extension",
       [&](auto a) {
         return good(a, "stentor.v1.msgpack", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
       }},
      {"no upgrade",
       [&](auto a) { return "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " + std::string{a} + "\r\n\r\n"; }},
      {"no HTTP", [](auto) { return std::string{"SSH-2.0-OpenSSH\r\n\r\n"}; }},
      {"endless headers", [](auto) { return "HTTP/1.1 101 X\r\nA: " + std::string(40'000, 'x'); }},
  };
  for (auto &[what, text] : cases) {
    SCOPED_TRACE(what);
    raw_server server{*loop_};
    end_.reset();
    connect(server);
    ASSERT_TRUE(until([&] { return !server.peers.empty() && server.got().ends_with("\r\n\r\n"); }));
    auto request = server.got();
    auto from = request.find("Sec-WebSocket-Key: ") + 19;
    server.peers.back()->send(text(upgrade_accept(request.substr(from, 24))));
    expect_end(client_end::kind::refused);
    EXPECT_FALSE(end_->reason.empty());
    EXPECT_FALSE(open_);
  }
}

TEST_F(client_device_test, says_unreachable_where_nothing_listens) {
  connect_at(closed_address(*loop_));
  EXPECT_FALSE(device_->send_frame("too early"));
  expect_end(client_end::kind::unreachable);
}

TEST_F(client_device_test, says_unreachable_where_no_answer_comes_in_time) {
  raw_server server{*loop_};
  connect(server);
  ASSERT_TRUE(until([&] { return !server.peers.empty(); }));
  EXPECT_FALSE(end_);
  clock_.pass(std::chrono::milliseconds{10'000});
  expect_end(client_end::kind::unreachable);
}

// -- frames ----

TEST_F(client_device_test, sends_everything_of_one_turn_in_one_system_call) {
  ws_server server{*loop_};
  connect(server);
  expect_open();
  loop_->run_turn(std::chrono::milliseconds{0});
  auto before = loop_->counters().sends;
  for (int i = 0; i < 100; ++i)
    device_->send_frame("message");
  loop_->flush();
  EXPECT_EQ(loop_->counters().sends, before + 1);
  EXPECT_TRUE(until([&] { return server.peers[0]->messages.size() == 100; }));
}

TEST_F(client_device_test, masks_frames_and_answers_pings) {
  raw_server server{*loop_};
  connect(server);
  shake(server, plain(opcode::ping, "are you there"));
  expect_open();
  ASSERT_TRUE(until([&] { return server.got().size() >= 6 + 13; }));
  auto frame = server.got();
  EXPECT_EQ(static_cast<uint8_t>(frame[0]), 0x8a);
  EXPECT_EQ(static_cast<uint8_t>(frame[1]), 0x80 | 13);
  std::string text;
  for (size_t i = 0; i < 13; ++i)
    text.push_back(static_cast<char>(frame[6 + i] ^ frame[2 + i % 4]));
  EXPECT_EQ(text, "are you there");
  EXPECT_TRUE(frames_.empty());
}

TEST_F(client_device_test, queues_no_pongs_for_a_server_that_does_not_read_them) {
  raw_server server{*loop_};
  connect(server);
  ASSERT_NO_FATAL_FAILURE(shake(server));
  expect_open();
  std::string pings;
  for (int i = 0; i < 500; ++i)
    pings += std::string{"\x89\x7d", 2} + std::string(125, 'p');
  size_t at = 0;
  ASSERT_TRUE(until([&] {
    auto n =
        ::send(server.peers.back()->fd(), pings.data() + at, pings.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    at = n > 0 ? (at + static_cast<size_t>(n)) % pings.size() : at;
    EXPECT_LE(device_->unsent_bytes(), client_device::max_unsent_for_pong + 200);
    return device_->skipped_pongs() > 100'000;
  }));
  EXPECT_TRUE(device_->send_frame("still open"));
}

TEST_F(client_device_test, refuses_frames_past_its_bound_of_unsent_bytes) {
  raw_server server{*loop_};
  connect(server);
  ASSERT_NO_FATAL_FAILURE(shake(server));
  expect_open();
  const std::string frame(1'000'000, 'x');
  int sent = 0;
  while (sent < 100 && device_->send_frame(frame))
    ++sent;
  EXPECT_GE(sent, 16);
  EXPECT_LE(sent, 18);
  ASSERT_TRUE(until([&] {
    server.got().clear();
    return device_->unsent_bytes() == 0;
  }));
  EXPECT_TRUE(device_->send_frame(frame)) << "there is room again";
}

TEST_F(client_device_test, decodes_frames_unless_raw_ones_are_wanted) {
  struct decoder final : client_events {
    std::vector<server_frame> frames;
    std::optional<client_end> end;
    std::unique_ptr<client_device> device;
    void on_server_frame(client_device &, server_frame &&x) override { frames.push_back(std::move(x)); }
    void on_end(client_device &, const client_end &x) override {
      end = x;
      device.reset();
    }
  } events;
  ws_server server{*loop_};
  server.on_open = [](auto &peer) { peer.welcome("abc"); };
  device_options options;
  options.at = server.at();
  options.host = server.host();
  events.device = std::move(*client_device::connect(*loop_, options, events));
  ASSERT_TRUE(until([&] { return !events.frames.empty(); }));
  EXPECT_EQ(events.frames[0].type, server_frame::kind::welcome);
  EXPECT_EQ(events.frames[0].session, "abc");
  server.peers[0]->socket->send("\xc1", false);
  ASSERT_TRUE(until([&] { return events.end.has_value() && server.peers[0]->end; }));
  EXPECT_EQ(server.peers[0]->end->code, close_code::protocol_error);
}

TEST_F(client_device_test, closes_on_frames_that_break_the_protocol) {
  std::string masked;
  append_masked_frame(masked, opcode::binary, "x", 5);
  for (auto &[bytes, code] : std::vector<std::pair<std::string, close_code>>{
           {masked, close_code::protocol_error},
           {plain(opcode::text, "x"), close_code::unsupported},
           {std::string{"\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", 10}, close_code::too_big}}) {
    raw_server server{*loop_};
    end_.reset();
    connect(server);
    shake(server, bytes);
    ASSERT_TRUE(until([&] { return server.got().size() >= 8; }));
    auto frame = server.got();
    EXPECT_EQ(static_cast<uint8_t>(frame[0]), 0x88);
    EXPECT_EQ(static_cast<uint8_t>(frame[6] ^ frame[2]) << 8 | static_cast<uint8_t>(frame[7] ^ frame[3]),
              static_cast<int>(code));
    server.peers.back()->hang_up();
    expect_end(client_end::kind::lost);
    EXPECT_EQ(end_->code, code);
  }
}

// -- the end ----

TEST_F(client_device_test, tells_the_servers_close_code_and_reason) {
  ws_server server{*loop_};
  connect(server);
  expect_open();
  ASSERT_TRUE(until([&] { return server.peers[0]->socket->is_upgraded(); }));
  server.peers[0]->socket->send("last", false);
  server.peers[0]->socket->close(close_code::superseded, "superseded", "a newer connection");
  expect_end(client_end::kind::closed);
  EXPECT_EQ(end_->code, close_code::superseded);
  EXPECT_EQ(end_->reason, "a newer connection");
  EXPECT_EQ(frames_, (std::vector<std::string>{"last"}));
  ASSERT_TRUE(until([&] { return server.peers[0]->end.has_value(); }));
  EXPECT_TRUE(server.peers[0]->end->handshaken);
}

TEST_F(client_device_test, says_lost_where_the_connection_breaks) {
  for (auto hard : {false, true}) {
    raw_server server{*loop_};
    end_.reset();
    open_ = false;
    connect(server);
    shake(server);
    expect_open();
    if (hard)
      server.peers.back()->reset();
    else
      server.peers.back()->hang_up();
    expect_end(client_end::kind::lost);
    EXPECT_EQ(end_->code, close_code::none);
  }
}

TEST_F(client_device_test, gives_up_on_a_server_that_does_not_answer_a_close) {
  raw_server server{*loop_};
  connect(server);
  shake(server);
  expect_open();
  device_->close();
  EXPECT_FALSE(device_->send_frame("late"));
  loop_->run_turn(std::chrono::milliseconds{1});
  clock_.pass(std::chrono::milliseconds{2000});
  clock_.pass(std::chrono::milliseconds{2000});
  expect_end(client_end::kind::lost);
  EXPECT_EQ(end_->code, close_code::normal);
}

TEST_F(client_device_test, may_be_dropped_inside_a_frame) {
  raw_server server{*loop_};
  in_frame_ = [](client_device &who) { who.drop(); };
  connect(server);
  shake(server, plain(opcode::binary, "one") + plain(opcode::binary, "two"));
  expect_end(client_end::kind::lost);
  EXPECT_EQ(frames_.size(), 1u);
}

TEST_F(client_device_test, may_be_dropped_before_it_is_open) {
  raw_server server{*loop_};
  connect(server);
  device_->drop();
  expect_end(client_end::kind::unreachable);
}

} // namespace
} // namespace stentor::net::client
