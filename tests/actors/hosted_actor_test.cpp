// SPDX-License-Identifier: Apache-2.0
#include "actors/hosted_actor.hpp"

#include "tests/actors/ask.hpp"
#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

#include <thread>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;
using test::answer_of;

namespace {

/// What became of a probe; outlives it.
struct notes {
  std::vector<int> numbers;
  std::vector<uint32_t> queued_then; ///< `queued` while each number was handled
  std::vector<caf::down_msg> downs;
  int stops = 0;
  std::thread::id stopped_on;
  std::thread::id destroyed_on;
  bool is_destroyed() const { return destroyed_on != std::thread::id{}; }
};

/// Doubles numbers, passes them on to whoever is `next`, ends at 13.
class probe final : public hosted_actor {
public:
  probe(caf::actor_config &cfg, loop &host, std::shared_ptr<notes> seen)
      : hosted_actor{cfg, host}, seen_{std::move(seen)} {}
  ~probe() override { seen_->destroyed_on = std::this_thread::get_id(); }
  const char *name() const override { return "probe"; }
  using hosted_actor::watch_life_of;
  caf::actor next;

protected:
  bool on_message(caf::mailbox_element &what) override {
    if (!what.content().match_elements<int>())
      return false;
    auto number = what.content().get_as<int>(0);
    seen_->numbers.push_back(number);
    seen_->queued_then.push_back(counters().queued);
    if (number == 13)
      stop(caf::exit_reason::user_shutdown);
    if (next)
      caf::anon_send(next, number);
    reply(what, caf::make_message(number * 2));
    return true;
  }
  void on_down(caf::down_msg &x) override { seen_->downs.push_back(x); }
  void on_stop() override {
    ++seen_->stops;
    seen_->stopped_on = std::this_thread::get_id();
    stop(caf::exit_reason::kill); // its own end may be asked for once more on the way
  }

private:
  std::shared_ptr<notes> seen_;
};

struct hosted : testing::Test {
  test::node n{2};
  std::shared_ptr<notes> seen = std::make_shared<notes>();
  hosted_ptr<probe> who = make(0, seen);
  caf::actor address = caf::actor_cast<caf::actor>(who.strong());
  caf::scoped_actor self{n.system()};

  hosted_ptr<probe> make(size_t at, std::shared_ptr<notes> into) {
    return make_hosted<probe>(n.system(), n.at(at), n.at(at), std::move(into));
  }
  caf::actor to(const hosted_ptr<probe> &x) { return caf::actor_cast<caf::actor>(x.strong()); }
};

/// An ordinary actor that adds numbers up, ends at 0 and stores its own end's reason nowhere.
caf::behavior adder(caf::event_based_actor *self, std::shared_ptr<int> sum) {
  return {[=](int x) {
    *sum += x;
    if (x == 0)
      self->quit();
  }};
}

} // namespace

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
  EXPECT_EQ(before, 3u); // the loop's inbox and gateway, and the probe
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
    n.at(0).for_each_actor([&](hosted_actor &x) {
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
  auto then = n.at(0).now_ms();
  EXPECT_EQ(who->counters().last_active_ms, then);
  n.pass(3s);
  EXPECT_EQ(who->counters().last_active_ms, then);
  EXPECT_GE(n.at(0).now_ms(), then + 3000);
}
