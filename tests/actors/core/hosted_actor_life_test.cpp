// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hosted_actor.hpp"

#include "tests/actors/probe.hpp"

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

// -- threads ----

TEST_F(hosted, actor_that_wakes_a_scheduled_one_leaves_it_to_the_scheduler) {
  auto sum = std::make_shared<int>();
  who->next = n.system().spawn(adder, sum);
  n.run_actors();
  caf::anon_send(address, 5);
  n.turn(0);
  EXPECT_EQ(seen->numbers, std::vector<int>{5});
  EXPECT_EQ(*sum, 0); // it has its message, but not this loop's thread
  n.run_actors();
  EXPECT_EQ(*sum, 5);
  caf::anon_send(who->next, 0);
  n.run_actors();
  who->next = nullptr;
}

TEST_F(hosted, actor_answers_a_scheduled_one_through_the_scheduler) {
  auto got = std::make_shared<int>();
  n.system().spawn([this, got](caf::event_based_actor *asker) {
    asker->request(address, 1s, 4).then([got](int x) { *got = x; });
  });
  n.run_actors();
  n.turn(0);
  EXPECT_EQ(*got, 0);
  n.run_actors();
  EXPECT_EQ(*got, 8);
}

TEST_F(hosted, actor_may_lose_its_last_reference_on_another_thread_after_its_loop_is_gone) {
  auto io = net::event_loop::make();
  ASSERT_TRUE(io);
  auto host = std::make_unique<loop>(n.context(), uint16_t{0}, std::move(*io));
  auto other = std::make_shared<notes>();
  auto last = make_hosted<probe>(n.system(), *host, *host, other);
  auto inbox = host->inbox().self();
  host->stop_everything();
  EXPECT_EQ(other->stops, 1);
  EXPECT_EQ(other->stopped_on, std::this_thread::get_id());
  host.reset();
  EXPECT_FALSE(other->is_destroyed());
  std::thread thread{[&] {
    last.reset();
    inbox = nullptr;
  }};
  auto elsewhere = thread.get_id();
  thread.join();
  EXPECT_EQ(other->destroyed_on, elsewhere);
}

/// As `node_fixture` has no threads, the loop's own runs here, so that there is one it does not belong to.
TEST_F(hosted, actor_and_loop_belong_to_one_thread_which_debug_builds_assert) {
#ifdef NDEBUG
  GTEST_SKIP() << "this build has no assertions";
#else
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  std::thread owner{[&] { n.at(0).run(); }};
  int answer = 0;
  // Answered, so the loop runs.
  self->request(address, 10s, 21).receive([&](int x) { answer = x; }, [](const caf::error &) {});
  EXPECT_EQ(answer, 42);
  EXPECT_DEATH(n.at(0).put(0, items::marker{}), "assert_here");
  EXPECT_DEATH(n.at(0).parts().sessions, "assert_here");
  EXPECT_DEATH(who->stop(caf::exit_reason::kill), "assert_here");
  n.at(0).request_stop();
  owner.join();
#endif
}

// -- life ----

TEST_F(hosted, actor_lives_without_references_until_it_is_stopped) {
  auto *raw = who.get();
  address = nullptr;
  who.reset();
  n.settle();
  EXPECT_FALSE(seen->is_destroyed());
  raw->stop(caf::exit_reason::normal);
  EXPECT_TRUE(seen->is_destroyed());
  EXPECT_EQ(seen->stops, 1);
}

TEST_F(hosted, actor_may_end_in_a_message_that_holds_its_last_reference) {
  caf::anon_send(address, 13);
  caf::anon_send(address, 14);
  address = nullptr;
  who.reset();
  n.turn(0);
  EXPECT_EQ(seen->numbers, std::vector<int>{13});
  EXPECT_TRUE(seen->is_destroyed());
}

TEST_F(hosted, actor_stops_once_however_often_it_is_told) {
  auto before = n.at(0).actors().size();
  who->stop(make_error(errc::io));
  who->stop(make_error(errc::config));
  caf::anon_send_exit(address, caf::exit_reason::kill);
  n.settle();
  n.at(0).stop_everything();
  EXPECT_EQ(seen->stops, 1);
  EXPECT_EQ(who->fail_state(), make_error(errc::io));
  EXPECT_EQ(before, 3u); // the loop's inbox and api actor, and the probe
}

TEST_F(hosted, actor_ends_by_an_exit_message) {
  caf::anon_send_exit(address, caf::exit_reason::kill);
  n.turn(0);
  EXPECT_TRUE(who->is_stopped());
  EXPECT_EQ(n.at(0).actors().size(), 2u);
}

TEST_F(hosted, actors_of_a_loop_end_with_it) {
  n.at(0).stop_everything();
  EXPECT_EQ(seen->stops, 1);
  EXPECT_EQ(n.at(0).actors().size(), 0u);
  EXPECT_GT(n.at(1).actors().size(), 0u);
}

TEST_F(hosted, actors_are_listed_in_order_of_birth) {
  auto second = make(0, std::make_shared<notes>());
  auto third = make(0, std::make_shared<notes>());
  auto ids = [&] {
    std::vector<caf::actor_id> all;
    n.at(0).actors().for_each([&](hosted_actor &x) {
      if (dynamic_cast<probe *>(&x))
        all.push_back(x.id());
    });
    return all;
  };
  EXPECT_EQ(ids(), (std::vector{who->id(), second->id(), third->id()}));
  EXPECT_EQ(n.at(0).actors().back(), third.get());
  second->stop({});
  EXPECT_EQ(ids(), (std::vector{who->id(), third->id()}));
  third->stop({});
  EXPECT_EQ(n.at(0).actors().back(), who.get());
}
