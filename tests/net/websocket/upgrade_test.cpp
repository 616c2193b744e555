// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/upgrade.hpp"

#include "net/http/http_parser.hpp"
#include "tests/net/websocket/device_socket_fixture.hpp"

namespace stentor::net {
namespace {

using upgrade_test = device_socket_fixture;

TEST_F(upgrade_test, answers_a_good_upgrade_with_the_accept_of_its_key) {
  connect();
  shake(request("Authorization: Bearer abc\r\nOrigin: http://x\r\n"));
  EXPECT_TRUE(head_.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head_;
  EXPECT_NE(head_.find("Sec-WebSocket-Accept: " + std::string{good_accept} + "\r\n"), head_.npos) << head_;
  EXPECT_EQ(head_.find("Sec-WebSocket-Protocol"), head_.npos);
  EXPECT_EQ(path_, "/v1/connect");
  EXPECT_EQ(query_, "a=b");
  EXPECT_EQ(authorization_, "Bearer abc");
  EXPECT_EQ(origin_, "http://x");
  EXPECT_FALSE(offered_);
  EXPECT_EQ(opened_, 1u);
  EXPECT_TRUE(socket_->is_upgraded());
}

TEST_F(upgrade_test, names_the_first_of_our_subprotocols_that_was_offered) {
  connect();
  shake(request("Sec-WebSocket-Protocol: chat, stentor.v1.msgpack\r\nSec-WebSocket-Protocol: "
                "stentor.v1.json\r\n"));
  EXPECT_NE(head_.find("Sec-WebSocket-Protocol: stentor.v1.msgpack\r\n"), head_.npos) << head_;
  EXPECT_EQ(wanted_, format::msgpack);
  EXPECT_EQ(socket_->encoding(), format::msgpack);
}

TEST_F(upgrade_test, tells_that_only_foreign_subprotocols_were_offered) {
  connect();
  shake(request("Sec-WebSocket-Protocol: chat\r\n"));
  EXPECT_TRUE(offered_);
  EXPECT_FALSE(wanted_);
  EXPECT_EQ(head_.find("Sec-WebSocket-Protocol"), head_.npos) << head_;
}

TEST_F(upgrade_test, reads_an_upgrade_that_comes_byte_by_byte) {
  connect();
  auto all = request();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    peer_->send(all.substr(i, 1));
    loop_->run_turn(std::chrono::milliseconds{1});
  }
  EXPECT_EQ(opened_, 0u);
  shake(all.substr(all.size() - 1));
  EXPECT_TRUE(head_.starts_with("HTTP/1.1 101 ")) << head_;
}

TEST_F(upgrade_test, reads_frames_that_came_in_the_bytes_of_the_upgrade) {
  connect();
  auto all = request();
  peer_->send(all.substr(0, 10)); // the end of the head comes with the frames, in a second piece
  loop_->run_turn(std::chrono::milliseconds{1});
  shake(all.substr(10) + masked(opcode::text, "one") + masked(opcode::text, "two"));
  EXPECT_EQ(messages_, (std::vector<std::string>{"one", "two"}));
}

struct bad_request {
  const char *what;
  std::string bytes;
  const char *status;
};

TEST_F(upgrade_test, refuses_bad_requests_each_with_its_status) {
  auto without = [](std::string text, std::string_view header) {
    auto at = text.find(header);
    return text.erase(at, text.find("\r\n", at) + 2 - at);
  };
  auto with = [](std::string text, std::string_view what, std::string_view instead) {
    return text.replace(text.find(what), what.size(), instead);
  };
  std::string many;
  for (size_t i = 0; i < max_http_fields; ++i)
    many += "A: b\r\n";
  const std::vector<bad_request> cases = {
      {"not HTTP", "\x16\x03\x01", "400"},
      {"garbage", "HELLO\r\n\r\n", "400"},
      {"POST", with(request(), "GET", "POST"), "405"},
      {"HTTP/1.0", with(request(), "HTTP/1.1", "HTTP/1.0"), "400"},
      {"no host", without(request(), "Host:"), "400"},
      {"two hosts", request("Host: localhost\r\n"), "400"},
      {"two keys", request("Sec-WebSocket-Key: " + std::string{good_key} + "\r\n"), "400"},
      {"two keys, one without a value", request("Sec-WebSocket-Key:\r\n"), "400"},
      {"two versions", request("Sec-WebSocket-Version: 13\r\n"), "400"},
      {"two origins", request("Origin: http://x\r\norigin: http://y\r\n"), "400"},
      {"two tokens", request("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), "400"},
      {"no upgrade", without(request(), "Upgrade: websocket"), "426"},
      {"h2c", with(request(), "websocket", "h2c"), "426"},
      {"no connection", without(request(), "Connection:"), "400"},
      {"version 8", with(request(), "Version: 13", "Version: 8"), "426"},
      {"no version", without(request(), "Sec-WebSocket-Version"), "426"},
      {"no key", without(request(), "Sec-WebSocket-Key"), "400"},
      {"short key", with(request(), good_key, "YWJj"), "400"},
      {"key of other letters", with(request(), "dGhl", "d!hl"), "400"},
      {"a body", request("Content-Length: 3\r\n"), "400"},
      {"a chunked body", request("Transfer-Encoding: chunked\r\n"), "400"},
      {"a gzipped body", request("Transfer-Encoding: gzip\r\n"), "400"},
      {"a body in both ways", request("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {"an encoding that is none", request("Transfer-Encoding: identity\r\n"), "400"},
      {"two lengths of nothing", request("Content-Length: 0\r\nContent-Length: 0\r\n"), "400"},
      {"no HTTP we know", with(request(), "HTTP/1.1", "HTTP/2.0"), "400"},
      {"a folded header", request("X-One: a\r\n b\r\n"), "400"},
      {"a header behind a bare LF", request("X-One: a\nX-Two: b\r\n"), "400"},
      {"space before a colon", request("X-One : a\r\n"), "400"},
      {"no path", request({}, "*"), "400"},
      {"a proxy's target", request({}, "http://localhost/"), "400"},
      {"a bad header", request("No colon\r\n"), "400"},
      {"too many headers", request(many), "431"},
      {"too large", request("X: " + std::string(9000, 'x') + "\r\n"), "431"},
      {"endless", "GET /" + std::string(9000, 'x'), "431"},
  };
  for (auto &bad : cases) {
    SCOPED_TRACE(bad.what);
    ended_ = opened_ = 0;
    connect();
    shake(bad.bytes);
    EXPECT_TRUE(head_.starts_with(std::string{"HTTP/1.1 "} + bad.status)) << head_;
    EXPECT_TRUE(until_end());
    EXPECT_STREQ(end_.reason, "handshake");
    EXPECT_EQ(opened_, 0u);
    EXPECT_FALSE(peer_->got().empty()); // says why
    EXPECT_TRUE(peer_->saw_fin());
    EXPECT_FALSE(peer_->saw_reset());
  }
}

TEST_F(upgrade_test, takes_headers_that_may_stand_twice_or_mean_nothing_here) {
  connect();
  shake(request("Cookie: a\r\nCookie: b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n"
                "Upgrade: h2c\r\nContent-Length: 0\r\n"));
  EXPECT_TRUE(head_.starts_with("HTTP/1.1 101 ")) << head_;
}

TEST_F(upgrade_test, refuses_where_the_owner_does) {
  answer_ = {401, "no", format::json, 7};
  connect();
  shake();
  EXPECT_TRUE(head_.starts_with("HTTP/1.1 401 Unauthorized\r\n")) << head_;
  EXPECT_NE(head_.find("Retry-After: 7\r\n"), head_.npos);
  EXPECT_NE(head_.find("WWW-Authenticate: Bearer\r\n"), head_.npos);
  peer_->hang_up();
  EXPECT_TRUE(turn_until(*loop_, [&] { return ended_ == 1; }));
  EXPECT_STREQ(end_.reason, "refused");
  EXPECT_EQ(opened_, 0u);
}

TEST_F(upgrade_test, answers_a_close_before_the_upgrade_with_a_status) {
  connect();
  peer_->send("GET /");
  loop_->run_turn(std::chrono::milliseconds{1});
  socket_->close(close_code::unauthorized, "auth_timeout", "too late");
  EXPECT_TRUE(until_end());
  EXPECT_TRUE(peer_->got().starts_with("HTTP/1.1 408 ")) << peer_->got();
  EXPECT_TRUE(peer_->got().ends_with("too late\n"));
  EXPECT_STREQ(end_.reason, "auth_timeout");
}

} // namespace
} // namespace stentor::net
