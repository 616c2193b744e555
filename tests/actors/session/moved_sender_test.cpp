// SPDX-License-Identifier: Apache-2.0
// A sender that moved to another node with messages open: the node it left passes their verdicts on, one
// each.
#include "actors/delivery/open_messages.hpp"

#include "tests/actors/session/moved_sender_fixture.hpp"

using namespace stentor;
using namespace stentor::actors::test;

namespace {

TEST_F(moved_sender, hears_the_true_verdict_from_the_node_it_left) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  ack_all();
  EXPECT_EQ(verdicts(*x, "1"), said{"acked"});
  pass(7s);
  EXPECT_EQ(verdicts(*x, "1"), said{"acked"});
}

TEST_F(moved_sender, hears_of_a_timeout_from_the_node_it_left_which_knows_how_far_it_came) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  for (int i = 0; i < 60; ++i)
    pass(100ms);
  ASSERT_EQ(verdicts(*x, "1"), said{"unreachable"});
  EXPECT_EQ(x->frames("verdict").at(0).at("at"), "written");
}

TEST_F(moved_sender, may_move_on_and_hears_through_both_nodes_before) {
  auto x = join(a_, "sender");
  send(*x, "a");
  x = move(std::move(x), b_, 1);
  send(*x, "b");
  x = move(std::move(x), c_);
  EXPECT_EQ(verdicts(*x, "a"), said{});
  ack_all();
  EXPECT_EQ(verdicts(*x, "a"), said{"acked"});
  EXPECT_EQ(verdicts(*x, "b"), said{"acked"});
}

TEST_F(moved_sender, may_come_back_to_the_node_it_left) {
  auto x = join(a_, "sender");
  send(*x, "a");
  x = move(std::move(x), b_);
  x = move(std::move(x), a_, 1);
  ack_all();
  EXPECT_EQ(verdicts(*x, "a"), said{"acked"});
  pass(7s);
  EXPECT_EQ(verdicts(*x, "a"), said{"acked"});
}

TEST_F(moved_sender, changes_loops_within_the_node_it_moved_to) {
  auto x = join(a_, "sender");
  send(*x, "1");
  send(*x, "2", {{"timeout_ms", 2000}});
  x = move(std::move(x), b_, 0);
  x = move(std::move(x), b_, 1);
  pass(3s);
  EXPECT_EQ(verdicts(*x, "2"), said{"unreachable"});
  ack_all();
  EXPECT_EQ(verdicts(*x, "1"), said{"acked"});
}

TEST_F(moved_sender, that_asked_for_errors_hears_nothing_where_there_is_none) {
  auto x = join(a_, "sender");
  send(*x, "warm", {{"want", "written"}});
  x->send({{"t", "send"}, {"id", "1"}, {"to", "target"}, {"data", 1}, {"want", "errors"}});
  a_.settle(); // on its way to `c`, which does not turn for a while
  auto token = x->resume_token();
  x->vanish();
  auto moved = b_.connect(0, "sender", token);
  for (int round = 0; round < 5; ++round)
    for (auto *one : {&a_, &b_})
      one->settle();
  moved->read();
  ASSERT_TRUE(moved->is_welcome());
  EXPECT_EQ(moved->frames("welcome").at(0).at("resumed"), true);
  EXPECT_EQ(target_->data(), std::vector<json>{"warm"});
  settle();
  target_->read();
  EXPECT_EQ(target_->data(), (std::vector<json>{"warm", 1}));
  pass(7s);
  EXPECT_EQ(verdicts(*moved, "1"), said{}) << "it was written";
}

TEST_F(moved_sender, that_asked_for_errors_hears_that_nothing_is_known) {
  auto x = join(a_, "sender");
  send(*x, "warm", {{"want", "written"}});
  x->send({{"t", "send"}, {"id", "1"}, {"to", "target"}, {"data", 1}, {"want", "errors"}});
  a_.settle();
  auto token = x->resume_token();
  x->vanish();
  auto moved = b_.connect(0, "sender", token);
  for (int round = 0; round < 5; ++round)
    for (auto *one : {&a_, &b_})
      one->settle();
  b_.tell_link(a_, 1, false);
  settle();
  EXPECT_EQ(verdicts(*moved, "1"), said{"unreachable"});
}

TEST_F(moved_sender, may_use_an_id_again_whose_verdict_it_heard) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  cut(a_, b_);
  ASSERT_EQ(verdicts(*x, "1"), said{"unreachable"});
  send(*x, "1", {{"to", "nobody"}});
  EXPECT_EQ(verdicts(*x, "1"), (said{"unreachable", "offline"}));
  for (auto *one : {&a_, &b_})
    one->tell_link(one == &a_ ? b_ : a_, 2, true);
  send(*x, "1", {{"data", 2}});
  auto first = target_->frames("msg").at(0);
  target_->send({{"t", "ack"}, {"id", first.at("id")}});
  settle();
  EXPECT_EQ(verdicts(*x, "1").size(), 2u) << "an ack of the first is no verdict of the third";
}

TEST_F(moved_sender, hears_of_a_message_to_its_account) {
  auto x = join(a_, "sender");
  send(*x, "1", {{"to", {{"account", "acme"}, {"except_me", true}}}});
  x = move(std::move(x), b_);
  ack_all();
  ASSERT_EQ(verdicts(*x, "1"), said{"acked"});
  EXPECT_EQ(x->frames("verdict").at(0).at("devices").size(), 1u);
}

// -- bounds ----

TEST(session_open_messages, past_the_bound_are_congested) {
  limits lim;
  lim.message_rate = 0;
  lim.max_cork_messages = 100000;
  lim.max_unacked_messages = 100000;
  lim.max_unacked_bytes = size_t{1} << 30;
  node n{1, lim};
  auto target = n.join(0, "target");
  auto x = n.join(0, "sender");
  for (size_t i = 0; i <= actors::open_messages::most; ++i) {
    x->send({{"t", "send"}, {"id", std::to_string(i)}, {"to", "target"}, {"data", 1}, {"want", "acked"}});
    if (i % 16 == 0) {
      n.settle();
      target->read();
    }
  }
  n.settle();
  x->read();
  auto said = x->frames("verdict");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].at("verdict"), "congested");
  EXPECT_EQ(said[0].at("id"), std::to_string(actors::open_messages::most));
}

} // namespace
