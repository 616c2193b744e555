// SPDX-License-Identifier: Apache-2.0
#include "net/stream_socket.hpp"

#include "tests/net/stream_socket_fixture.hpp"

namespace stentor::net {
namespace {

using stream_socket_end_test = stream_socket_fixture;

TEST_F(stream_socket_end_test, ends_once_when_the_peer_closes) {
  peer_->send("bye");
  peer_->hang_up();
  ASSERT_TRUE(until_end());
  turn();
  EXPECT_EQ(notes_.got, "bye");
  EXPECT_EQ(notes_.ends, 1u);
  EXPECT_EQ(notes_.reason, socket_end::peer_closed);
  EXPECT_FALSE(socket_->is_open());
  socket_->write("nobody");
  socket_->close_orderly(milliseconds{1});
  socket_->abort(socket_end::local_failure);
  turn();
  EXPECT_EQ(notes_.ends, 1u);
}

TEST_F(stream_socket_end_test, tells_a_reset_and_the_marks_that_were_lost) {
  connect(4096);
  auto written = block();
  peer_->reset();
  ASSERT_TRUE(until_end());
  EXPECT_EQ(notes_.reason, socket_end::peer_reset);
  EXPECT_GT(notes_.lost_marks, 0u);
  EXPECT_EQ(notes_.all_marks() + notes_.lost_marks, written);
}

TEST_F(stream_socket_end_test, notices_a_reset_while_it_is_paused) {
  socket_->pause_reading();
  peer_->reset();
  ASSERT_TRUE(until_end());
  EXPECT_EQ(notes_.reason, socket_end::peer_reset);
}

TEST_F(stream_socket_end_test, delivers_everything_when_it_closes_although_the_peer_has_input_for_it) {
  connect(4096);
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    auto frame = std::string(8192, static_cast<char>('a' + i % 26));
    socket_->write_frame(frame, {}, true);
    sent += frame;
  }
  peer_->send(std::string(1000, 'i')); // a plain close would answer this with RST and lose what is on its way
  socket_->close_orderly(milliseconds{1000});
  EXPECT_FALSE(socket_->is_open());
  ASSERT_TRUE(until([&] {
    peer_->read();
    if (!peer_->saw_fin())
      (void)::send(peer_->fd(), "ack", 3, MSG_NOSIGNAL);
    return peer_->saw_fin() || peer_->saw_reset();
  }));
  EXPECT_FALSE(peer_->saw_reset());
  EXPECT_EQ(peer_->got(), sent);
  EXPECT_EQ(notes_.all_marks(), 100u);
  EXPECT_EQ(notes_.ends, 0u);
  EXPECT_EQ(notes_.got, "");
  peer_->hang_up();
  ASSERT_TRUE(until_end());
  EXPECT_EQ(notes_.reason, socket_end::orderly);
  EXPECT_EQ(notes_.lost_marks, 0u);
}

TEST_F(stream_socket_end_test, flushes_to_a_peer_that_has_closed_its_own_side) {
  connect(4096);
  auto written = block();
  peer_->half_close();
  socket_->close_orderly(milliseconds{1000});
  ASSERT_TRUE(until([&] {
    peer_->read();
    return notes_.ends > 0;
  }));
  EXPECT_EQ(notes_.reason, socket_end::orderly);
  EXPECT_EQ(notes_.all_marks(), written);
  EXPECT_EQ(notes_.lost_marks, 0u);
}

TEST_F(stream_socket_end_test, does_not_spin_on_a_peer_that_closed_its_side_and_does_not_read) {
  connect(4096);
  block();
  peer_->half_close();
  socket_->close_orderly(milliseconds{1000});
  for (int i = 0; i < 20; ++i)
    loop_->run_turn(milliseconds{1});
  auto receives = loop_->counters().receives;
  for (int i = 0; i < 20; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_EQ(loop_->counters().receives, receives);
}

TEST_F(stream_socket_end_test, gives_up_on_a_peer_that_never_reads_after_the_linger_time) {
  connect(4096);
  auto written = block();
  socket_->close_orderly(milliseconds{1000});
  turn();
  clock_.pass(milliseconds{900});
  EXPECT_EQ(notes_.ends, 0u);
  clock_.pass(milliseconds{100});
  EXPECT_EQ(notes_.ends, 1u);
  EXPECT_EQ(notes_.reason, socket_end::orderly);
  EXPECT_GT(notes_.lost_marks, 0u);
  EXPECT_EQ(notes_.all_marks() + notes_.lost_marks, written);
}

TEST_F(stream_socket_end_test, gives_up_on_a_peer_that_never_closes_after_the_linger_time) {
  socket_->close_orderly(milliseconds{1000});
  turn();
  clock_.pass(milliseconds{1000});
  EXPECT_EQ(notes_.reason, socket_end::orderly);
}

TEST_F(stream_socket_end_test, calls_its_deadline_only_while_open) {
  socket_->call_later(milliseconds{1000});
  clock_.pass(milliseconds{1000});
  EXPECT_EQ(notes_.deadlines, 1u);
  socket_->call_later(milliseconds{1000});
  socket_->abort(socket_end::local_failure);
  clock_.pass(milliseconds{2000});
  EXPECT_EQ(notes_.deadlines, 1u);
}

// -- destroyed inside a callback ----

TEST_F(stream_socket_end_test, may_be_destroyed_in_any_callback) {
  for (std::string in : {"bytes", "marks", "drained", "deadline", "end"}) {
    SCOPED_TRACE(in);
    notes_ = {};
    connect(4096);
    bool destroyed = false;
    notes_.hook = [&](const char *name) {
      if (name != in)
        return;
      destroyed = true;
      socket_.reset();
    };
    socket_->call_later(milliseconds{1000});
    peer_->send("hello");
    turn();
    // Everything at once: input, marks, a full cork that drains, a deadline and an end.
    for (int i = 0; socket_ && i < 100; ++i)
      socket_->write_frame(std::string(8192, 'x'), {}, true);
    until([&] {
      peer_->read();
      return destroyed || notes_.drained > 0;
    });
    if (socket_)
      clock_.pass(milliseconds{1000});
    peer_->hang_up();
    until([&] { return destroyed || notes_.ends > 0; });
    EXPECT_TRUE(destroyed);
    EXPECT_EQ(socket_, nullptr);
    EXPECT_EQ(loop_->lifelines(), nullptr);
    turn();
  }
}

TEST_F(stream_socket_end_test, may_be_destroyed_by_the_marks_of_the_flush_that_drains_it) {
  connect(4096);
  block();
  notes_.hook = [&](const char *name) {
    if (name == std::string_view{"marks"} && socket_->unsent_marks() == 0)
      socket_.reset();
  };
  EXPECT_TRUE(until([&] {
    peer_->read();
    return socket_ == nullptr;
  }));
  EXPECT_EQ(notes_.drained, 0u);
}

TEST_F(stream_socket_end_test, may_be_aborted_in_any_callback) {
  for (std::string in : {"bytes", "marks", "drained", "deadline"}) {
    SCOPED_TRACE(in);
    notes_ = {};
    connect(4096);
    notes_.hook = [&](const char *name) {
      if (name == in)
        socket_->abort(socket_end::local_failure);
    };
    socket_->call_later(milliseconds{1000});
    peer_->send("hello");
    turn();
    for (int i = 0; i < 100; ++i)
      socket_->write_frame(std::string(8192, 'x'), {}, true);
    until([&] {
      peer_->read();
      return notes_.ends > 0 || notes_.drained > 0;
    });
    clock_.pass(milliseconds{1000});
    turn();
    EXPECT_EQ(notes_.ends, 1u);
    EXPECT_EQ(notes_.reason, socket_end::local_failure);
  }
}

TEST_F(stream_socket_end_test, may_destroy_another_one_that_is_ready_in_the_same_turn) {
  noting_socket::notes others;
  auto [server, client] = tcp_pair();
  auto other = std::make_unique<noting_socket>(*loop_, server, others);
  ASSERT_TRUE(other->start());
  raw_peer other_peer{client};
  size_t calls = 0;
  notes_.hook = [&](const char *) { ++calls, other.reset(); };
  others.hook = [&](const char *) { ++calls, socket_.reset(); };
  socket_->write("a");
  other->write("b");
  peer_->send("x");
  other_peer.send("x");
  ASSERT_TRUE(until([&] { return calls > 0; }));
  turn();
  EXPECT_EQ(calls, 1u);
  EXPECT_NE(socket_ == nullptr, other == nullptr);
}

TEST_F(stream_socket_end_test, is_forgotten_by_the_flush_it_asked_for) {
  socket_->write("never");
  socket_.reset();
  turn();
  EXPECT_EQ(loop_->counters().sends, 0u);
  peer_->read();
  EXPECT_TRUE(peer_->saw_fin());
  EXPECT_EQ(notes_.ends, 0u);
}

} // namespace
} // namespace stentor::net
