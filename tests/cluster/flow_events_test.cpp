// SPDX-License-Identifier: Apache-2.0
// What flows do about lost paths, learned routes and time.
#include "cluster/flow.hpp"

#include "tests/cluster/flow_fixture.hpp"

namespace stentor {
namespace {

using test::at;
using test::message;
using flow_events_test = test::flow_fixture;

// -- a lost path ----

TEST_F(flow_events_test, forgets_a_route_whose_node_was_lost) {
  make_direct();
  f.on_route_lost(1, host);
  EXPECT_EQ(f.state(), flow::mode::idle);
  send("a");
  EXPECT_EQ(log(), "resolve#2 ");
}

TEST_F(flow_events_test, keeps_a_route_to_another_incarnation) {
  make_direct();
  f.on_route_lost(2, host);
  EXPECT_EQ(f.state(), flow::mode::direct);
}

TEST_F(flow_events_test, waits_for_no_marker_on_a_lost_road) {
  make_turning();
  send("c");
  f.on_route_lost(1, host);
  EXPECT_EQ(log(), "resolve#3 ");
  f.on_marker(2, host); // late, from the old link
  EXPECT_EQ(log(), "");
  found(3, 2);
  EXPECT_EQ(log(), "a>2 c>2 ");
}

// -- learned routes ----

TEST_F(flow_events_test, takes_a_learned_route_only_where_nothing_is_under_way) {
  f.learn(at("n", 4), host);
  EXPECT_EQ(f.state(), flow::mode::direct);
  send("a");
  f.learn(at("n", 5), host); // "a" could be overtaken
  send("b");
  EXPECT_EQ(log(), "a>4 b>4 ");
  bounce("a", 4);
  f.learn(at("n", 5), host);
  EXPECT_EQ(f.state(), flow::mode::turning);
}

TEST_F(flow_events_test, ends_its_question_with_a_learned_route) {
  send("a");
  log();
  f.learn(at("n", 2), host);
  EXPECT_EQ(log(), "a>2 ");
  found(1, 9);
  EXPECT_EQ(f.at(), at("n", 2));
}

TEST_F(flow_events_test, does_not_learn_a_route_older_than_the_one_that_refused) {
  make_turning();
  f.on_marker(2, host);
  f.learn(at("n", 1), host); // `at` gives higher loops higher epochs
  f.learn(at("n", 0), host);
  EXPECT_EQ(f.state(), flow::mode::unresolved);
  EXPECT_EQ(f.waiting(), 1u);
}

// -- time ----

TEST_F(flow_events_test, settles_what_waits_past_its_deadline_and_nothing_else) {
  auto t = test::start;
  f.send(message("d", "a", t + std::chrono::seconds{1}), lim, host);
  f.send(message("d", "b", t + std::chrono::seconds{2}), lim, host);
  log();
  f.expire(t, host);
  EXPECT_EQ(log(), "");
  f.expire(t + std::chrono::seconds{1}, host);
  EXPECT_EQ(log(), "a=unreachable@directory ");
  EXPECT_EQ(f.waiting_bytes(), message("d", "b")->cost());
  f.expire(t + std::chrono::seconds{2}, host);
  EXPECT_EQ(log(), "b=unreachable@directory ");
  EXPECT_EQ(f.waiting_bytes(), 0u);
  EXPECT_EQ(f.state(), flow::mode::unresolved);
  EXPECT_FALSE(f.is_quiet());
}

TEST_F(flow_events_test, says_expired_where_the_ttl_ends_first) {
  auto t = test::start;
  auto a = message("d", "a", t + std::chrono::seconds{2});
  a->expires = t + std::chrono::seconds{1};
  auto b = message("d", "b", t + std::chrono::seconds{1});
  b->expires = t + std::chrono::seconds{2};
  f.send(std::move(a), lim, host);
  f.send(std::move(b), lim, host);
  log();
  f.expire(t + std::chrono::seconds{5}, host);
  EXPECT_EQ(log(), "a=expired@directory b=unreachable@directory ");
}

TEST_F(flow_events_test, settles_a_bounced_message_at_its_deadline_as_sent) {
  make_direct();
  f.send(message("d", "a", test::start + std::chrono::seconds{1}), lim, host);
  bounce("a", 1);
  log();
  f.expire(test::start + std::chrono::seconds{1}, host);
  EXPECT_EQ(log(), "a=unreachable@sent ");
  EXPECT_EQ(f.state(), flow::mode::turning); // the marker is still under way
  EXPECT_EQ(f.waiting_bytes(), 0u);
}

TEST_F(flow_events_test, keeps_the_order_of_what_remains_after_an_expiry) {
  for (int i = 0; i < 6; ++i)
    f.send(message("d", std::to_string(i), test::start + std::chrono::seconds{i % 2 ? 1 : 9}), lim, host);
  f.expire(test::start + std::chrono::seconds{1}, host);
  log();
  found(1, 1);
  EXPECT_EQ(log(), "0>1 2>1 4>1 ");
}

TEST_F(flow_events_test, settles_all_it_holds_when_the_loop_ends) {
  make_turning();
  send("c");
  f.abandon(host);
  EXPECT_EQ(log(), "a=unreachable@sent c=unreachable@directory ");
  EXPECT_TRUE(f.is_quiet());
  EXPECT_EQ(f.waiting(), 0u);
}

TEST_F(flow_events_test, remembers_when_it_was_last_used) {
  auto e = message("d", "a");
  e->accepted_at = test::start + std::chrono::seconds{7};
  f.send(std::move(e), lim, host);
  EXPECT_EQ(f.last_used(), test::start + std::chrono::seconds{7});
}

} // namespace
} // namespace stentor
