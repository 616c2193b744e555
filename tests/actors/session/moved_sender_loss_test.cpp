// SPDX-License-Identifier: Apache-2.0
// A sender that moved to another node with messages open hears one verdict of each in time, whatever becomes
// of the node it left.
#include "actors/delivery/open_messages.hpp"

#include "tests/actors/session/moved_sender_fixture.hpp"

using namespace stentor;
using namespace stentor::actors::test;

namespace {

class moved_sender_loss : public moved_sender {};

TEST_F(moved_sender_loss, hears_that_nothing_is_known_once_the_link_to_the_node_it_left_ends) {
  auto x = join(a_, "sender");
  send(*x, "1");
  send(*x, "2", {{"to", {{"account", "acme"}, {"except_me", true}}}});
  x = move(std::move(x), b_);
  send(*x, "here");
  cut(a_, b_);
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
  EXPECT_EQ(verdicts(*x, "2"), said{"unreachable"});
  EXPECT_EQ(verdicts(*x, "here"), said{});
}

TEST_F(moved_sender_loss, hears_nothing_more_of_it_when_the_link_is_back) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  cut(a_, b_);
  a_.tell_link(b_, 2, true);
  b_.tell_link(a_, 2, true);
  settle();
  ack_all();
  pass(7s);
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
}

TEST_F(moved_sender_loss, hears_of_each_within_a_second_of_its_timeout_when_no_word_comes) {
  auto x = join(a_, "sender");
  send(*x, "1", {{"timeout_ms", 2000}});
  send(*x, "2", {{"timeout_ms", 4000}});
  x = move(std::move(x), b_);
  // The node it left stands still, and nobody has noticed yet.
  auto others_pass = [&](auto time) { actors::test::pass(time, {&b_, &c_}); };
  others_pass(2000ms);
  EXPECT_EQ(verdicts(*x, "1"), said{});
  others_pass(1000ms);
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
  EXPECT_EQ(verdicts(*x, "2"), said{});
  others_pass(2000ms);
  EXPECT_EQ(verdicts(*x, "2"), said{"unreachable"});
  pass(5s);
  EXPECT_EQ(verdicts(*x, "1").size() + verdicts(*x, "2").size(), 2u);
}

TEST_F(moved_sender_loss, that_moved_twice_hears_where_the_first_node_is_gone) {
  auto x = join(a_, "sender");
  send(*x, "a", {{"timeout_ms", 2000}});
  x = move(std::move(x), b_);
  send(*x, "b");
  x = move(std::move(x), c_);
  cut(a_, b_);
  cut(a_, c_);
  ack_all();
  EXPECT_EQ(verdicts(*x, "b"), said{"acked"});
  actors::test::pass(3s, {&b_, &c_});
  EXPECT_EQ(verdicts(*x, "a"), said{"unreachable"});
}

TEST_F(moved_sender_loss, that_moved_twice_hears_at_once_where_the_node_between_is_gone) {
  auto x = join(a_, "sender");
  send(*x, "a");
  x = move(std::move(x), b_);
  x = move(std::move(x), c_);
  cut(b_, c_);
  cut(a_, b_);
  EXPECT_EQ(verdicts(*x, "a"), said{"unreachable"});
  ack_all();
  pass(7s);
  EXPECT_EQ(verdicts(*x, "a"), said{"unreachable"});
}

TEST_F(moved_sender_loss, that_changes_loops_while_the_link_ends_hears_it_all_the_same) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_, 0);
  auto again = b_.connect(1, "sender", x->resume_token());
  b_.turn(1);
  b_.run_actors();
  b_.turn(1); // bound, and asking loop 0
  b_.tell_link(a_, 1, false);
  b_.turn(1); // knows of the end before it has the state, and loop 0 gives that away before it knows
  settle();
  EXPECT_EQ(verdicts(*again, "1"), said{"unreachable"});
  EXPECT_EQ(verdicts(*x, "1"), said{});
}

TEST_F(moved_sender_loss, that_is_away_meanwhile_hears_it_when_it_is_back) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  auto token = x->resume_token();
  x->vanish();
  settle();
  cut(a_, b_);
  x = join(b_, "sender", token, 1);
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
}

TEST_F(moved_sender_loss, that_is_away_keeps_its_session_when_a_deadline_passes) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  auto token = x->resume_token();
  x->vanish();
  settle();
  actors::test::pass(10s, {&b_, &c_});
  x = join(b_, "sender", token);
  EXPECT_EQ(x->frames("welcome").at(0).at("resumed"), true);
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
}

TEST_F(moved_sender_loss, hears_it_from_a_node_that_gives_up_its_incarnation) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  a_.at(0).abandon_now(); // no news of a link: this node's own last words
  settle();
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
}

TEST_F(moved_sender_loss, hears_it_where_its_own_node_gives_up) {
  auto x = join(a_, "sender");
  send(*x, "1");
  x = move(std::move(x), b_);
  b_.at(0).abandon_now();
  settle();
  EXPECT_EQ(verdicts(*x, "1"), said{"unreachable"});
}

TEST_F(moved_sender_loss, whose_state_came_too_late_hears_all_the_same) {
  auto x = join(a_, "sender");
  send(*x, "1");
  send(*x, "2");
  auto token = x->resume_token();
  x->vanish();
  settle();
  auto late = b_.connect(0, "sender", token);
  actors::test::pass(2s, {&b_, &c_});
  late->read();
  ASSERT_TRUE(late->is_welcome());
  EXPECT_EQ(late->frames("welcome").at(0).at("resumed"), false);
  settle();
  auto first = target_->frames("msg").at(0);
  target_->send({{"t", "ack"}, {"id", first.at("id")}});
  settle();
  EXPECT_EQ(verdicts(*late, "1"), said{"acked"});
  cut(a_, b_);
  EXPECT_EQ(verdicts(*late, "2"), said{"unreachable"});
}

} // namespace
