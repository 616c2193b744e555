// SPDX-License-Identifier: Apache-2.0
// What watchers of an account are told, and who may be one.
#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

limits room_for_one_watcher() {
  limits lim;
  lim.max_watchers = 1;
  return lim;
}

} // namespace

TEST(session_watch, watchers_see_one_online_and_one_offline_a_bind) {
  node n;
  auto w = n.join(0, "w");
  w->send({{"t", "watch"}});
  n.settle();
  auto b = n.join(1, "b");
  b->vanish();
  n.settle();
  w->read();
  auto events = w->frames("event");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("kind"), "online");
  EXPECT_EQ(events[1].at("kind"), "offline");
  EXPECT_EQ(events[0].at("device"), "b");
  EXPECT_EQ(events[0].at("epoch"), events[1].at("epoch"));
}

TEST(session_watch, the_first_watcher_is_not_told_of_a_loss_where_somebody_binds_at_the_same_time) {
  node n;
  auto w = n.join(0, "w");
  w->send({{"t", "watch"}});
  auto b = n.connect(1, "b");
  n.turn(0);
  n.turn(1); // the bind is carried out before the watch begins
  n.settle();
  b->vanish();
  n.settle();
  w->read();
  auto events = w->frames("event");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("kind"), "offline");
}

TEST(session_watch, a_watcher_is_told_once_what_is_there_though_the_first_lists_fail) {
  node n;
  auto w = n.join(0, "w");
  w->send({{"t", "watch"}});
  n.settle();
  n.troubles().stream_is_new = true;
  n.troubles().lost_lists = 2;
  auto b = n.join(1, "b"); // the next reading
  n.settle();
  w->read();
  EXPECT_TRUE(w->frames("event").empty());
  n.pass(2s);
  w->read();
  auto events = w->frames("event");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("kind"), "resync");
  EXPECT_EQ(events[0].at("devices"), (json{"b", "w"}));
}

TEST(session_watch, a_watch_that_the_directory_could_not_begin_takes_no_place) {
  node n{1, room_for_one_watcher()};
  auto v = n.join(0, "v");
  auto w = n.join(0, "w");
  n.troubles().has_no_events = true;
  v->send({{"t", "watch"}});
  n.settle();
  v->read();
  ASSERT_EQ(v->frames("error").size(), 1u);
  EXPECT_EQ(v->frames("error")[0].at("code"), "unavailable");
  n.troubles().has_no_events = false;
  w->send({{"t", "watch"}});
  n.settle();
  w->read();
  EXPECT_TRUE(w->frames("error").empty());
  v->send({{"t", "watch"}});
  n.settle();
  v->read();
  ASSERT_EQ(v->frames("error").size(), 2u);
  EXPECT_EQ(v->frames("error")[1].at("code"), "overloaded") << "this time there is no room";
}

TEST(session_watch, a_watch_that_is_refused_after_the_next_one_was_asked_for_takes_no_place) {
  node n{1, room_for_one_watcher()};
  auto v = n.join(0, "v");
  auto w = n.join(0, "w");
  v->send({{"t", "watch"}});
  n.settle();
  w->send({{"t", "watch"}});
  w->send({{"t", "unwatch"}});
  n.turn(0);
  v->send({{"t", "unwatch"}});
  n.turn(0);
  w->send({{"t", "watch"}}); // there is room for this one
  n.turn(0);
  n.settle();
  w->read();
  ASSERT_EQ(w->frames("error").size(), 1u);
  EXPECT_EQ(w->frames("error")[0]["code"], "overloaded");
  v->send({{"t", "watch"}});
  n.settle();
  v->read();
  EXPECT_TRUE(v->frames("error").empty()) << "who was told that it does not watch still takes the place";
}
