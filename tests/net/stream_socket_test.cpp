// SPDX-License-Identifier: Apache-2.0
#include "net/stream_socket.hpp"

#include "tests/net/stream_socket_fixture.hpp"

namespace stentor::net {
namespace {

using stream_socket_test = stream_socket_fixture;

TEST_F(stream_socket_test, makes_one_receive_and_one_send_a_turn) {
  peer_->send("hello");
  ASSERT_TRUE(until([&] { return notes_.got == "hello"; }));
  EXPECT_EQ(loop_->counters().receives, 1u);
  for (int i = 0; i < 10; ++i)
    socket_->write_frame("ab", "cd", i % 2 == 0);
  EXPECT_EQ(notes_.marks.size(), 0u); // nothing is told before the flush
  turn();
  EXPECT_EQ(loop_->counters().sends, 1u);
  EXPECT_EQ(notes_.marks, std::vector<size_t>{5});
  EXPECT_EQ(loop_->counters().bytes_out, 40u);
  turn();
  EXPECT_EQ(loop_->counters().sends, 1u);
  EXPECT_EQ(loop_->counters().receives, 1u);
}

TEST_F(stream_socket_test, tells_marks_as_the_peer_makes_room_and_then_that_it_drained) {
  connect(4096);
  auto written = block();
  ASSERT_LT(notes_.all_marks(), written);
  EXPECT_NE(socket_->stalled_since(), time_point::max());
  EXPECT_EQ(notes_.drained, 0u);
  ASSERT_TRUE(until([&] {
    peer_->read();
    return notes_.drained > 0;
  }));
  EXPECT_EQ(notes_.all_marks(), written);
  EXPECT_EQ(loop_->counters().receives, 0u); // room to write is no reason to read
  EXPECT_EQ(socket_->unsent_bytes(), 0u);
  EXPECT_EQ(socket_->stalled_since(), time_point::max());
  ASSERT_TRUE(until([&] {
    peer_->read();
    return peer_->got().size() == written * 8192;
  }));
}

TEST_F(stream_socket_test, does_not_try_to_send_while_the_kernel_is_full) {
  connect(4096);
  block();
  auto sends = loop_->counters().sends;
  for (int i = 0; i < 50; ++i) {
    socket_->write("more");
    turn();
  }
  EXPECT_EQ(loop_->counters().sends, sends);
}

TEST_F(stream_socket_test, stalls_from_the_last_byte_the_kernel_took) {
  connect(4096);
  block();
  for (int i = 0; i < 500; ++i)
    socket_->write(std::string(8192, 'x'));
  auto taken_once = false, stood_once = false;
  for (int i = 0; i < 5000 && !(taken_once && stood_once); ++i) {
    auto since = socket_->stalled_since();
    auto taken = loop_->counters().bytes_out;
    loop_->run_turn(milliseconds{1});
    if (loop_->counters().bytes_out == taken) {
      stood_once = true;
      EXPECT_EQ(socket_->stalled_since(), since);
    } else {
      taken_once = stood_once; // after it had stood: before, the kernel may still find room
      EXPECT_EQ(socket_->stalled_since(), loop_->now());
    }
    if (stood_once)
      peer_->read(20000);
    ASSERT_GT(socket_->unsent_bytes(), 0u); // some is taken now and then, never all
  }
  EXPECT_TRUE(stood_once);
  EXPECT_TRUE(taken_once);
}

TEST_F(stream_socket_test, drops_what_was_not_begun_and_tells_the_rest) {
  connect(4096);
  auto written = block();
  auto dropped = socket_->drop_unstarted();
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(socket_->unsent_marks(), written - notes_.all_marks() - dropped);
  ASSERT_TRUE(until([&] {
    peer_->read();
    return notes_.drained > 0;
  }));
  EXPECT_EQ(notes_.all_marks(), written - dropped);
  socket_->close_orderly(milliseconds{1000});
  ASSERT_TRUE(until([&] {
    peer_->read();
    return peer_->saw_fin();
  }));
  EXPECT_EQ(peer_->got().size(), (written - dropped) * 8192);
}

TEST_F(stream_socket_test, reads_nothing_while_paused) {
  socket_->pause_reading();
  peer_->send("later");
  for (int i = 0; i < 10; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_EQ(notes_.got, "");
  EXPECT_EQ(loop_->counters().receives, 0u);
  socket_->resume_reading();
  EXPECT_TRUE(until([&] { return notes_.got == "later"; }));
}

TEST_F(stream_socket_test, is_not_read_while_too_much_is_unsent) {
  connect(4096);
  socket_->stop_reading_past(10000);
  block();
  ASSERT_GT(socket_->unsent_bytes(), 10000u);
  peer_->send("question");
  for (int i = 0; i < 10; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_EQ(notes_.got, "");
  EXPECT_TRUE(socket_->is_reading()); // the owner has paused nothing
  EXPECT_TRUE(until([&] {
    peer_->read();
    return notes_.got == "question";
  }));
  EXPECT_EQ(socket_->unsent_bytes(), 0u);
}

} // namespace
} // namespace stentor::net
