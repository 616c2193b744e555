// SPDX-License-Identifier: Apache-2.0
// Binds and restores whose answers are lost, of sessions that end meanwhile: no record of nobody stays.
#include "actors/directory/unsettled_records.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

namespace {

storage::record record_of(node &n, const std::string &name) {
  auto found = n.store().lookup({device_id::trusted(name)}).at(0);
  EXPECT_TRUE(found && *found) << name;
  return found && *found ? **found : storage::record{};
}

void remove_record(node &n, const std::string &name) {
  n.store().unbind({{device_id::trusted(name), record_of(n, name).at.ep, n.context().lease_until()}});
}

void put_everyone_back(node &n) {
  caf::anon_send(caf::actor_cast<caf::actor>(n.at(0).inbox().self()), put_back_atom_v);
}

/// As a node's end or an exit message does.
void stop_sessions(node &n) {
  std::vector<session_ref> all;
  n.at(0).parts().sessions.for_each([&](session_port &who) { all.push_back(who.held().ref); });
  EXPECT_FALSE(all.empty());
  for (auto &ref : all)
    static_cast<session *>(n.at(0).parts().sessions.find(ref))->stop(caf::exit_reason::user_shutdown);
}

/// One loop that asks its directory on a bad path.
class unsettled : public testing::Test {
protected:
  /// The device's session has ended, and its unbind was carried out.
  void end(device &who) {
    who.vanish();
    n_.settle();
  }

  /// A connection whose bind is carried out and not answered.
  std::unique_ptr<device> connect_unheard(const std::string &name) {
    n_.troubles().on_bind = [](auto &) { return fate::answer_lost; };
    auto who = n_.connect(0, name);
    n_.turn(0);
    n_.settle();
    n_.troubles().on_bind = {};
    return who;
  }

  node n_{1};
};

TEST_F(unsettled, a_restore_that_lands_behind_the_end_of_its_session_is_given_up) {
  auto a = n_.join(0, "a");
  remove_record(n_, "a");
  std::vector<storage::restore_request> on_its_way;
  n_.troubles().on_restore = [&](auto &asked) {
    on_its_way.push_back(asked);
    return fate::request_lost;
  };
  put_everyone_back(n_);
  n_.settle();
  end(*a);
  ASSERT_EQ(on_its_way.size(), 1u);
  EXPECT_TRUE(n_.store().restore(on_its_way).at(0)->restored);
  ASSERT_TRUE(n_.is_online("a"));
  n_.pass(5s);
  EXPECT_FALSE(n_.is_online("a"));
}

/// What watchers would hear of a device, in order.
std::vector<storage::event_kind> events_of(node &n, const std::string &name, std::string &cursor) {
  std::vector<storage::event_kind> result;
  for (;;) {
    auto events = n.store().events_after(cursor, 100);
    EXPECT_TRUE(events);
    if (!events || events->empty())
      return result;
    for (auto &x : *events)
      if (x.device == device_id::trusted(name))
        result.push_back(x.kind);
  }
}

TEST_F(unsettled, the_end_of_a_session_does_not_overtake_its_restore) {
  auto a = n_.join(0, "a");
  std::string cursor;
  events_of(n_, "a", cursor);
  put_everyone_back(n_);
  n_.turn(0); // the restore is under way
  a->vanish();
  n_.turn(0);
  n_.run_newest_actor(); // a router would be faster than the directory, which carries out unbinds first
  n_.settle();
  EXPECT_FALSE(n_.is_online("a"));
  EXPECT_EQ(events_of(n_, "a", cursor), std::vector{storage::event_kind::offline});
}

TEST_F(unsettled, a_session_that_ends_while_its_restore_is_refused_is_gone) {
  auto a = n_.join(0, "a");
  std::string cursor;
  events_of(n_, "a", cursor);
  n_.troubles().on_restore = [](auto &) { return fate::unavailable; };
  put_everyone_back(n_);
  n_.turn(0);
  a->vanish();
  n_.turn(0);
  n_.settle();
  EXPECT_FALSE(n_.is_online("a"));
  EXPECT_EQ(events_of(n_, "a", cursor), std::vector{storage::event_kind::offline});
}

TEST_F(unsettled, a_fresh_epoch_that_nobody_heard_of_is_looked_up_and_given_up) {
  auto a = n_.join(0, "a");
  auto ref = record_of(n_, "a").at.session;
  remove_record(n_, "a");
  n_.troubles().on_restore = [](auto &) { return fate::answer_lost; };
  n_.at(0).parts().directory.restores().put_back({ref});
  n_.settle();
  end(*a);
  ASSERT_TRUE(n_.is_online("a")) << "the session could only give up the epoch it knew";
  n_.troubles().lost_lookups = 2;
  n_.pass(8s);
  EXPECT_EQ(n_.troubles().lost_lookups, 0u);
  EXPECT_FALSE(n_.is_online("a"));
}

TEST_F(unsettled, a_fresh_epoch_heard_of_after_the_end_of_its_session_is_given_up) {
  auto a = n_.join(0, "a");
  auto ref = record_of(n_, "a").at.session;
  remove_record(n_, "a");
  size_t asked = 0;
  n_.troubles().on_restore = [&](auto &) { return ++asked == 1 ? fate::answer_lost : fate::carried_out; };
  n_.at(0).parts().directory.restores().put_back({ref});
  n_.settle();
  leap(2100ms); // two seconds and a tick of the timers
  n_.turn(0);   // asks again, and hears that its own first try holds the device
  a->vanish();
  n_.turn(0);
  n_.settle();
  EXPECT_GT(asked, 1u);
  EXPECT_FALSE(n_.is_online("a"));
}

TEST_F(unsettled, what_a_living_session_asked_for_stays) {
  auto a = n_.join(0, "a");
  size_t asked = 0;
  n_.troubles().on_restore = [&](auto &) { return ++asked == 1 ? fate::answer_lost : fate::carried_out; };
  put_everyone_back(n_);
  n_.pass(8s);
  EXPECT_GT(asked, 1u);
  EXPECT_TRUE(n_.is_online("a"));
}

TEST_F(unsettled, a_bind_without_an_answer_leaves_nothing_of_a_session_that_was_stopped) {
  n_.troubles().on_bind = [](auto &) { return fate::answer_lost; };
  auto a = n_.connect(0, "a");
  n_.turn(0);
  stop_sessions(n_);
  n_.settle();
  ASSERT_TRUE(n_.is_online("a"));
  n_.pass(5s);
  EXPECT_FALSE(n_.is_online("a"));
}

TEST_F(unsettled, a_bind_without_an_answer_leaves_nothing_of_a_session_that_was_abandoned) {
  n_.troubles().on_bind = [](auto &) { return fate::answer_lost; };
  auto a = n_.connect(0, "a");
  n_.turn(0);
  n_.at(0).parts().sessions.for_each([](session_port &who) { who.abandon(); });
  n_.settle();
  ASSERT_TRUE(n_.is_online("a"));
  n_.pass(5s);
  EXPECT_FALSE(n_.is_online("a"));
}

TEST_F(unsettled, a_bind_without_an_answer_gives_the_device_back_to_who_had_it) {
  auto a = n_.join(0, "a");
  auto whose = record_of(n_, "a").at.session;
  auto again = connect_unheard("a");
  ASSERT_NE(record_of(n_, "a").at.session, whose);
  n_.pass(6s);
  again->read();
  a->read();
  EXPECT_EQ(again->close_code(), 4003);
  EXPECT_EQ(a->close_code(), 0);
  ASSERT_TRUE(n_.is_online("a")) << "its connection was open all the time";
  EXPECT_EQ(record_of(n_, "a").at.session, whose);
}

TEST_F(unsettled, a_bind_without_an_answer_supersedes_nobody_while_it_cannot_be_taken_back) {
  auto a = n_.join(0, "a");
  auto whose = record_of(n_, "a").at.session;
  auto again = connect_unheard("a");
  n_.troubles().lost_unbinds = 3;
  n_.pass(8s);
  ASSERT_EQ(n_.troubles().lost_unbinds, 0u);
  a->read();
  EXPECT_EQ(a->close_code(), 0) << "the record of the lost bind is newer, but nobody's";
  ASSERT_TRUE(n_.is_online("a"));
  EXPECT_EQ(record_of(n_, "a").at.session, whose);
}

TEST_F(unsettled, what_waits_for_a_restore_is_sent_where_the_loop_stops) {
  auto a = n_.join(0, "a");
  n_.troubles().on_restore = [](auto &) { return fate::request_lost; };
  put_everyone_back(n_);
  n_.turn(0);
  a->vanish();
  n_.turn(0);
  ASSERT_TRUE(n_.is_online("a"));
  n_.at(0).parts().directory.restores().stop();
  n_.settle();
  EXPECT_FALSE(n_.is_online("a"));
}

/// A bind that went to the router of another node, whose link ends before the answer, and then to our own.
class unsettled_bind : public testing::Test {
protected:
  unsettled_bind() {
    auto map = std::make_shared<const slot_map>(std::vector<slot_node>{{b_.context().id, b_.context().inc}});
    a_.context().view->set_slots(map);
    a_.tell_link(b_, 1, true);
    pass(500ms);
  }
  void pass(std::chrono::milliseconds time) { test::pass(time, {&a_, &b_}); }

  world world_;
  node a_{world_, "node-a", 101};
  node b_{world_, "node-b", 202};
};

class unsettled_first_try : public unsettled_bind, public testing::WithParamInterface<fate> {};

TEST_P(unsettled_first_try, leaves_nothing_of_a_session_that_was_stopped) {
  std::vector<fate> fates{fate::carried_out, GetParam()};
  size_t asked = 0;
  world_.troubles()->on_bind = [&](auto &) { return fates.at(asked++); };
  auto x = a_.connect(0, "x");
  a_.turn(0);
  a_.tell_link(b_, 1, false);
  a_.turn(0); // asks its own router
  stop_sessions(a_);
  pass(500ms);
  ASSERT_EQ(asked, 2u);
  ASSERT_TRUE(a_.is_online("x")) << "by the first try";
  pass(5s);
  EXPECT_FALSE(a_.is_online("x"));
}

TEST_F(unsettled_bind, gives_the_device_back_to_who_had_it_on_another_node) {
  b_.tell_link(a_, 1, true);
  auto x = b_.join(0, "x");
  auto whose = record_of(b_, "x").at;
  world_.troubles()->on_bind = [](auto &) { return fate::answer_lost; };
  auto again = a_.connect(0, "x");
  a_.turn(0);
  pass(500ms);
  ASSERT_EQ(record_of(a_, "x").at.inc, a_.context().inc);
  world_.troubles()->on_bind = {};
  pass(6s);
  x->read();
  EXPECT_EQ(x->close_code(), 0);
  ASSERT_TRUE(b_.is_online("x")) << "its connection was open all the time";
  EXPECT_EQ(record_of(b_, "x").at.inc, whose.inc);
  EXPECT_EQ(record_of(b_, "x").at.session, whose.session);
}

INSTANTIATE_TEST_SUITE_P(, unsettled_first_try, testing::Values(fate::unavailable, fate::stale));

} // namespace
