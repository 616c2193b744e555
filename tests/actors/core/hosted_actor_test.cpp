// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hosted_actor.hpp"

#include "tests/actors/probe.hpp"

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

// -- messages and requests ----

TEST_F(hosted, actor_handles_messages_on_its_loop_in_their_order) {
  for (int i = 1; i <= 3; ++i)
    caf::anon_send(address, i);
  EXPECT_TRUE(seen->numbers.empty()); // nothing runs before its loop's turn
  n.turn(1);
  EXPECT_TRUE(seen->numbers.empty());
  n.turn(0);
  EXPECT_EQ(seen->numbers, (std::vector<int>{1, 2, 3}));
}

TEST_F(hosted, actor_answers_a_request) {
  auto question = self->request(address, 1s, 21);
  n.settle();
  EXPECT_EQ(answer_of<int>(self, question), 42);
}

TEST_F(hosted, actor_answers_an_unknown_request_with_unexpected_message) {
  auto question = self->request(address, 1s, std::string{"dance"});
  n.settle();
  auto answer = answer_of<int>(self, question);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), caf::sec::unexpected_message);
  EXPECT_FALSE(who->is_stopped());
}

TEST_F(hosted, actor_ignores_an_unknown_message_that_asks_for_nothing) {
  caf::anon_send(address, std::string{"dance"});
  self->send(address, std::string{"dance"});
  n.settle();
  EXPECT_FALSE(who->is_stopped());
  EXPECT_TRUE(self->mailbox().empty());
}

TEST_F(hosted, actor_bounces_requests_after_its_end) {
  auto before = self->request(address, 1s, 13);
  auto behind = self->request(address, 1s, 1);
  n.settle();
  EXPECT_EQ(answer_of<int>(self, before), 26);
  EXPECT_EQ(answer_of<int>(self, behind).error(), caf::sec::request_receiver_down);
  auto late = self->request(address, 1s, 2);
  n.settle();
  EXPECT_EQ(answer_of<int>(self, late).error(), caf::sec::request_receiver_down);
  EXPECT_EQ(seen->numbers, std::vector<int>{13});
}

TEST_F(hosted, actor_bounces_requests_that_its_loops_end_overtook) {
  auto question = self->request(address, 1s, 1);
  n.at(0).stop_everything();
  EXPECT_EQ(answer_of<int>(self, question).error(), caf::sec::request_receiver_down);
  EXPECT_TRUE(seen->numbers.empty());
}

// -- monitors and links ----

TEST_F(hosted, actor_tells_its_monitors_why_it_ended) {
  self->monitor(address);
  n.settle();
  EXPECT_TRUE(self->mailbox().empty());
  who->stop(make_error(errc::io));
  ASSERT_FALSE(self->mailbox().empty());
  self->receive([&](const caf::down_msg &x) {
    EXPECT_EQ(x.source, address.address());
    EXPECT_EQ(x.reason, make_error(errc::io));
  });
}

TEST_F(hosted, actor_tells_a_monitor_that_comes_after_its_end) {
  who->stop(make_error(errc::io));
  self->monitor(address);
  ASSERT_FALSE(self->mailbox().empty());
  self->receive([&](const caf::down_msg &x) { EXPECT_EQ(x.source, address.address()); });
}

TEST_F(hosted, actor_dies_with_an_actor_it_is_linked_to) {
  auto other = n.system().spawn(adder, std::make_shared<int>());
  who->link_to(other);
  caf::anon_send_exit(other, caf::exit_reason::kill);
  n.settle();
  EXPECT_TRUE(who->is_stopped());
  EXPECT_EQ(seen->stops, 1);
  EXPECT_EQ(who->fail_state(), caf::exit_reason::kill);
}

TEST_F(hosted, actor_outlives_a_linked_actor_that_ends_without_an_error) {
  auto other = n.system().spawn(adder, std::make_shared<int>());
  who->link_to(other);
  caf::anon_send(other, 0);
  n.settle();
  EXPECT_FALSE(who->is_stopped());
}

TEST_F(hosted, actor_takes_the_actors_it_is_linked_to_with_it) {
  auto other = n.system().spawn(adder, std::make_shared<int>());
  who->link_to(other);
  auto elsewhere = std::make_shared<notes>();
  auto third = make(1, elsewhere);
  who->link_to(to(third));
  self->monitor(other);
  who->stop(make_error(errc::io));
  n.settle();
  EXPECT_FALSE(self->mailbox().empty());
  EXPECT_TRUE(third->is_stopped());
  EXPECT_EQ(elsewhere->stops, 1);
}

TEST_F(hosted, actor_hears_of_the_end_of_whom_it_watches) {
  auto other = n.system().spawn(adder, std::make_shared<int>());
  auto neighbour = make(1, std::make_shared<notes>());
  who->watch_life_of(caf::actor_cast<caf::strong_actor_ptr>(other));
  who->watch_life_of(neighbour.strong());
  n.settle();
  EXPECT_TRUE(seen->downs.empty());
  caf::anon_send_exit(other, caf::exit_reason::kill);
  n.settle();
  ASSERT_EQ(seen->downs.size(), 1u);
  EXPECT_EQ(seen->downs[0].source, other.address());
  EXPECT_EQ(seen->downs[0].reason, caf::exit_reason::kill);
  neighbour->stop(make_error(errc::io));
  n.settle();
  ASSERT_EQ(seen->downs.size(), 2u);
  EXPECT_EQ(seen->downs[1].source, to(neighbour).address());
  EXPECT_FALSE(who->is_stopped());
}

TEST_F(hosted, actor_hears_of_an_end_that_came_before_it_watched) {
  auto neighbour = make(1, std::make_shared<notes>());
  neighbour->stop(make_error(errc::io));
  who->watch_life_of(neighbour.strong());
  n.settle();
  EXPECT_EQ(seen->downs.size(), 1u);
}

// -- counters ----

TEST_F(hosted, actor_counts_what_it_handled_and_what_waits) {
  for (int i = 1; i <= 3; ++i)
    caf::anon_send(address, i);
  n.turn(0);
  auto &counters = who->counters();
  EXPECT_EQ(counters.handled, 3u);
  EXPECT_EQ(counters.queued, 0u);
  EXPECT_EQ(counters.peak, 3u);
  // The one being handled still counts as waiting.
  EXPECT_EQ(seen->queued_then, (std::vector<uint32_t>{3, 2, 1}));
  caf::anon_send(address, 4);
  n.turn(0);
  EXPECT_EQ(counters.handled, 4u);
  EXPECT_EQ(counters.peak, 3u);
}

TEST_F(hosted, actor_remembers_when_it_last_did_something) {
  caf::anon_send(address, 1);
  n.turn(0);
  auto then = in_ms(n.at(0).now());
  EXPECT_EQ(who->counters().last_active_ms, then);
  n.pass(3s);
  EXPECT_EQ(who->counters().last_active_ms, then);
  EXPECT_GE(in_ms(n.at(0).now()), then + 3000);
}
