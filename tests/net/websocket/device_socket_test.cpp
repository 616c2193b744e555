// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/device_socket.hpp"

#include "tests/net/websocket/device_socket_fixture.hpp"

namespace stentor::net {
namespace {

using device_socket_test = device_socket_fixture;

// -- frames ----

TEST_F(device_socket_test, sends_in_the_format_of_the_connection) {
  open("Sec-WebSocket-Protocol: stentor.v1.msgpack\r\n");
  EXPECT_TRUE(socket_->send("abc", true));
  EXPECT_TRUE(socket_->send_encoded(plain(opcode::binary, "de"), true));
  socket_->ping();
  expect_bytes(plain(opcode::binary, "abc") + plain(opcode::binary, "de") + plain(opcode::ping, ""));
  EXPECT_EQ(written_, 2u);
}

TEST_F(device_socket_test, sends_what_one_turn_wrote_in_one_call) {
  open();
  loop_->run_turn(std::chrono::milliseconds{0});
  auto before = loop_->counters().sends;
  for (int i = 0; i < 16; ++i)
    socket_->send("abc", true);
  loop_->run_turn(std::chrono::milliseconds{0});
  EXPECT_EQ(loop_->counters().sends - before, 1u);
  EXPECT_EQ(written_, 16u);
}

TEST_F(device_socket_test, closes_on_a_message_of_the_wrong_type) {
  open();
  peer_->send(masked(opcode::text, "good") + masked(opcode::binary, "bad") + masked(opcode::text, "late"));
  EXPECT_TRUE(until_end());
  EXPECT_EQ(messages_, std::vector<std::string>{"good"});
  EXPECT_EQ(end_.code, close_code::unsupported);
  EXPECT_STREQ(end_.reason, "wrong_type");
  EXPECT_EQ(parse_close(std::string_view{peer_->got()}.substr(2)), close_code::unsupported);
}

TEST_F(device_socket_test, takes_both_types_where_told_to) {
  open();
  socket_->accept_any_type();
  std::vector<opcode> kinds;
  on_message_ = [&] { kinds.push_back(socket_->last_kind()); };
  peer_->send(masked(opcode::text, "a") + masked(opcode::binary, "b"));
  EXPECT_TRUE(turn_until(*loop_, [&] { return messages_.size() == 2; }));
  EXPECT_EQ(kinds, (std::vector<opcode>{opcode::text, opcode::binary}));
}

TEST_F(device_socket_test, answers_pings_with_their_body) {
  open();
  peer_->send(masked(opcode::ping, "hello") + masked(opcode::pong, "ignored") + masked(opcode::ping, ""));
  expect_bytes(plain(opcode::pong, "hello") + plain(opcode::pong, ""));
}

TEST_F(device_socket_test, says_why_it_closes_a_connection_that_breaks_the_protocol) {
  limits_.max_frame_bytes = 100;
  const std::vector<std::pair<std::string, close_code>> cases = {
      {plain(opcode::text, "unmasked"), close_code::protocol_error},
      {masked(opcode::text, "\xc3\x28"), close_code::bad_payload},
      {masked(opcode::text, std::string(101, 'x')), close_code::too_big},
      {masked(static_cast<opcode>(3), ""), close_code::protocol_error},
  };
  for (auto &[bytes, code] : cases) {
    ended_ = 0;
    open();
    peer_->send(bytes);
    EXPECT_TRUE(until_end());
    EXPECT_EQ(end_.code, code);
    EXPECT_FALSE(end_.handshaken);
    ASSERT_GE(peer_->got().size(), 4u);
    EXPECT_EQ(parse_close(std::string_view{peer_->got()}.substr(2)), code);
    EXPECT_TRUE(peer_->saw_fin());
  }
  EXPECT_TRUE(messages_.empty());
}

// -- the close handshake ----

TEST_F(device_socket_test, echoes_the_close_of_the_peer) {
  open();
  socket_->send("last", true);
  peer_->send(masked(opcode::close, close_body(close_code::going_away, "bye")) + masked(opcode::text, "no"));
  ASSERT_TRUE(turn_until(*loop_, [&] {
    peer_->read();
    return peer_->saw_fin();
  }));
  EXPECT_EQ(peer_->got(),
            plain(opcode::text, "last") + plain(opcode::close, close_body(close_code::going_away, "")));
  EXPECT_EQ(ended_, 0u); // the peer has not closed its side
  peer_->hang_up();
  ASSERT_TRUE(turn_until(*loop_, [&] { return ended_ == 1; }));
  EXPECT_EQ(end_.how, socket_end::orderly);
  EXPECT_EQ(end_.code, close_code::going_away);
  EXPECT_TRUE(end_.handshaken);
  EXPECT_EQ(end_.lost_marks, 0u);
  EXPECT_EQ(written_, 1u);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(device_socket_test, still_hears_messages_after_its_own_close_frame) {
  open();
  socket_->send("payload", true);
  socket_->close(close_code::going_away, "drain", "node stops");
  EXPECT_FALSE(socket_->send("refused", true));
  expect_bytes(plain(opcode::text, "payload") +
               plain(opcode::close, close_body(close_code::going_away, "node stops")));
  EXPECT_FALSE(peer_->saw_fin()); // our side stays open until the peer has answered
  peer_->send(masked(opcode::text, "ack 1"));
  peer_->send(masked(opcode::text, "ack 2") + masked(opcode::close, close_body(close_code::going_away, "")));
  ASSERT_TRUE(turn_until(*loop_, [&] {
    peer_->read();
    return peer_->saw_fin();
  }));
  EXPECT_EQ(messages_, (std::vector<std::string>{"ack 1", "ack 2"}));
  peer_->hang_up();
  ASSERT_TRUE(turn_until(*loop_, [&] { return ended_ == 1; }));
  EXPECT_TRUE(end_.handshaken);
  EXPECT_EQ(end_.code, close_code::going_away);
  EXPECT_STREQ(end_.reason, "drain");
  EXPECT_EQ(written_, 1u);
}

TEST_F(device_socket_test, hears_again_what_was_paused_once_it_closes) {
  open();
  socket_->pause_reading();
  peer_->send(masked(opcode::text, "ack") + masked(opcode::close, close_body(close_code::normal, "")));
  socket_->close(close_code::slow, "slow", "");
  ASSERT_TRUE(until_end());
  EXPECT_EQ(messages_, std::vector<std::string>{"ack"});
  EXPECT_EQ(end_.code, close_code::slow);
  EXPECT_TRUE(end_.handshaken);
}

TEST_F(device_socket_test, ends_without_the_peers_close_frame_after_the_linger_time) {
  open();
  socket_->close(close_code::superseded, "superseded", "");
  expect_bytes(plain(opcode::close, close_body(close_code::superseded, "")));
  EXPECT_FALSE(peer_->saw_fin());
  clock_.pass(limits_.close_linger); // no close frame: we shut down our side
  ASSERT_TRUE(turn_until(*loop_, [&] {
    peer_->read();
    return peer_->saw_fin();
  }));
  EXPECT_EQ(ended_, 0u);
  clock_.pass(limits_.close_linger); // no FIN either
  EXPECT_EQ(ended_, 1u);
  EXPECT_EQ(end_.how, socket_end::orderly);
  EXPECT_FALSE(end_.handshaken);
}

TEST_F(device_socket_test, tells_a_lost_connection_and_what_was_not_taken) {
  open();
  socket_->send("never", true);
  socket_->abort(socket_end::local_failure);
  EXPECT_EQ(ended_, 1u);
  EXPECT_EQ(end_.lost_marks, 1u);
  EXPECT_STREQ(end_.reason, "failure");
  EXPECT_EQ(socket_, nullptr);
}

TEST_F(device_socket_test, may_be_aborted_and_destroyed_while_it_delivers_a_message) {
  open();
  on_message_ = [&] { socket_->abort(socket_end::local_failure); };
  std::string many;
  for (int i = 0; i < 10; ++i)
    many += masked(opcode::text, "x");
  peer_->send(many);
  ASSERT_TRUE(turn_until(*loop_, [&] { return ended_ == 1; }));
  EXPECT_EQ(messages_.size(), 1u);
  EXPECT_EQ(socket_, nullptr);
}

TEST_F(device_socket_test, bounds_the_pongs_of_a_peer_that_pings_and_does_not_read) {
  limits_.max_cork_bytes = 64 * 1024;
  connect(4096);
  shake();
  auto ping = masked(opcode::ping, std::string(125, 'p'));
  std::string flood;
  for (int i = 0; i < 500; ++i)
    flood += ping;
  size_t offered = 0, most = 0, refused = 0;
  while (refused < 200 && offered < 64u << 20) {
    auto n = ::send(peer_->fd(), flood.data(), flood.size(), MSG_NOSIGNAL);
    refused = n < 0 ? refused + 1 : 0;
    offered += n > 0 ? static_cast<size_t>(n) : 0;
    loop_->run_turn(std::chrono::milliseconds{0});
    ASSERT_TRUE(socket_);
    most = std::max(most, socket_->unsent_bytes());
  }
  EXPECT_EQ(refused, 200u) << "the flood was never held back";
  EXPECT_GT(most, limits_.max_cork_bytes - 1000);
  EXPECT_LE(most, limits_.max_cork_bytes + 127);
}

} // namespace
} // namespace stentor::net
