// SPDX-License-Identifier: Apache-2.0
#include "cluster/flow.hpp"

#include "tests/cluster/flow_fixture.hpp"

namespace stentor {
namespace {

using test::at;
using test::message;
using kind = resolution::kind;
using flow_test = test::flow_fixture;

// -- finding the route ----

TEST_F(flow_test, asks_once_and_holds_messages_until_the_answer) {
  send("a");
  send("b");
  EXPECT_EQ(log(), "resolve#1 ");
  EXPECT_EQ(f.state(), flow::mode::unresolved);
  EXPECT_EQ(f.waiting(), 2u);
  found(1, 3);
  EXPECT_EQ(log(), "a>3 b>3 ");
  EXPECT_EQ(f.state(), flow::mode::direct);
  EXPECT_EQ(f.waiting(), 0u);
  EXPECT_EQ(f.waiting_bytes(), 0u);
}

TEST_F(flow_test, forwards_at_once_while_direct) {
  make_direct();
  send("a");
  EXPECT_EQ(log(), "a>1 ");
  EXPECT_EQ(host.back("a")->reached, stage::sent);
}

TEST_F(flow_test, settles_everything_offline_where_nobody_is_there) {
  send("a");
  send("b");
  log();
  f.on_resolved(1, {kind::none, {}}, host);
  EXPECT_EQ(log(), "a=offline b=offline ");
  EXPECT_EQ(f.state(), flow::mode::idle);
  send("c");
  EXPECT_EQ(log(), "resolve#2 ");
}

TEST_F(flow_test, settles_everything_unreachable_where_the_directory_cannot_answer) {
  send("a");
  log();
  f.on_resolved(1, {kind::unknown, {}}, host);
  EXPECT_EQ(log(), "a=unreachable@directory ");
  EXPECT_EQ(f.state(), flow::mode::idle);
}

TEST_F(flow_test, ignores_an_answer_to_another_question) {
  send("a");
  log();
  found(7, 1);
  EXPECT_EQ(log(), "");
  EXPECT_EQ(f.state(), flow::mode::unresolved);
  found(1, 1);
  found(1, 2); // answered twice
  send("b");
  EXPECT_EQ(log(), "a>1 b>1 ");
}

TEST_F(flow_test, starts_its_numbers_where_it_is_told) {
  flow other{device_id::trusted("d"), 1000};
  other.send(message("d", "a"), lim, host);
  EXPECT_EQ(log(), "resolve#1001 ");
}

// -- bounds ----

TEST_F(flow_test, settles_congested_past_its_message_bound) {
  lim.max_flow_messages = 2;
  send("a");
  send("b");
  send("c");
  EXPECT_EQ(log(), "resolve#1 c=congested@directory ");
  EXPECT_EQ(f.waiting(), 2u);
}

TEST_F(flow_test, settles_congested_past_its_byte_bound) {
  lim.max_flow_bytes = 2 * message("d", "a")->cost();
  send("a");
  send("b");
  send("c");
  EXPECT_EQ(log(), "resolve#1 c=congested@directory ");
  EXPECT_EQ(f.waiting_bytes(), lim.max_flow_bytes);
  found(1, 1);
  EXPECT_EQ(f.waiting_bytes(), 0u);
}

TEST_F(flow_test, does_not_count_bounced_messages_against_new_ones) {
  lim.max_flow_messages = 1;
  make_turning();
  bounce("b", 1);
  send("c");
  send("d");
  EXPECT_EQ(log(), "d=congested@directory ");
  EXPECT_EQ(f.waiting(), 3u);
}

// -- turning ----

TEST_F(flow_test, sends_a_marker_down_the_road_that_refused) {
  make_direct();
  send("a");
  send("b");
  log();
  bounce("a", 1);
  EXPECT_EQ(log(), "marker#2>1 ");
  EXPECT_EQ(f.state(), flow::mode::turning);
  bounce("b", 1);
  EXPECT_EQ(log(), "");
}

TEST_F(flow_test, holds_new_messages_while_turning) {
  make_turning();
  send("c");
  EXPECT_EQ(log(), "");
  EXPECT_EQ(f.waiting(), 2u);
}

TEST_F(flow_test, sends_the_bounced_in_their_order_before_the_new) {
  make_turning();
  send("c");
  bounce("b", 1);
  f.on_marker(2, host);
  EXPECT_EQ(log(), "resolve#3 ");
  send("d");
  found(3, 2);
  EXPECT_EQ(log(), "a>2 b>2 c>2 d>2 ");
  EXPECT_TRUE(host.back("a")->resent);
  EXPECT_TRUE(host.back("b")->resent);
  EXPECT_FALSE(host.back("c")->resent);
}

TEST_F(flow_test, ignores_a_marker_that_is_not_its_own) {
  make_turning();
  f.on_marker(1, host);
  f.on_marker(3, host);
  EXPECT_EQ(log(), "");
  EXPECT_EQ(f.state(), flow::mode::turning);
}

TEST_F(flow_test, settles_offline_what_bounces_twice_and_turns_again) {
  make_turning();
  bounce("b", 1);
  f.on_marker(2, host);
  found(3, 2);
  send("c");
  log();
  bounce("a", 2);
  EXPECT_EQ(log(), "marker#4>2 a=offline ");
  bounce("b", 2);
  bounce("c", 2);
  EXPECT_EQ(log(), "b=offline ");
  f.on_marker(4, host);
  found(5, 3);
  EXPECT_EQ(log(), "resolve#5 c>3 ");
}

TEST_F(flow_test, becomes_idle_where_a_marker_finds_nothing_to_send) {
  make_turning();
  bounce("b", 1);
  f.on_marker(2, host);
  found(3, 2);
  bounce("a", 2);
  bounce("b", 2);
  log();
  f.on_marker(4, host);
  EXPECT_EQ(log(), "");
  EXPECT_EQ(f.state(), flow::mode::idle);
  EXPECT_TRUE(f.is_quiet());
}

TEST_F(flow_test, settles_offline_what_another_route_refuses) {
  make_direct();
  send("a");
  log();
  bounce("a", 2);
  EXPECT_EQ(log(), "a=offline ");
  EXPECT_EQ(f.state(), flow::mode::direct);
}

TEST_F(flow_test, settles_offline_a_straggler_behind_its_marker) {
  make_turning();
  f.on_marker(2, host);
  log();
  bounce("b", 1);
  EXPECT_EQ(log(), "b=offline ");
  found(3, 2);
  EXPECT_EQ(log(), "a>2 ");
}

TEST_F(flow_test, settles_the_bounced_too_where_nobody_is_there_any_more) {
  make_turning();
  send("c");
  f.on_marker(2, host);
  log();
  f.on_resolved(3, {kind::none, {}}, host);
  EXPECT_EQ(log(), "a=offline c=offline ");
}

} // namespace
} // namespace stentor
