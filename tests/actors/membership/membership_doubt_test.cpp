// SPDX-License-Identifier: Apache-2.0
// When membership doubts what the directory lacks: after another process of it answered, and where a node has
// just come and the others know more than it does.
#include "actors/membership/membership_actor.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

boot_time clock_now{};

class membership_doubt : public testing::Test {
protected:
  membership_doubt() {
    clock_now = boot_time{1h};
    state_.deps.view = std::make_shared<cluster_view>();
    state_.deps.boot_now = [] { return clock_now; };
    state_.logic.emplace(member{{node_id::trusted("a"), 1}, "a:1", false}, state_.deps.lim);
  }
  cluster_view &view() { return *state_.deps.view; }
  void meet_doubtful_peer() {
    link_news news;
    news.up = news.doubtful = true;
    news.node = node_id::trusted("b");
    news.inc = 2;
    state_.on_link(news);
  }

  membership_state state_;
};

TEST_F(membership_doubt, is_none_with_a_process_that_everybody_has_renewed_with) {
  state_.on_run("one", 1h);
  EXPECT_FALSE(view().is_doubtful("one"));
  state_.on_run("one", 1h);
  EXPECT_FALSE(view().is_doubtful("one"));
}

TEST_F(membership_doubt, follows_another_process) {
  state_.on_run("one", 1h);
  state_.on_run("two", 10ms);
  EXPECT_TRUE(view().doubtful);
  EXPECT_TRUE(view().is_known_run("two"));
}

TEST_F(membership_doubt, stands_beside_a_young_process_as_others_may_not_have_renewed) {
  state_.on_run("one", 1500ms);
  EXPECT_EQ(state_.young_until - clock_now, 2500ms);
  EXPECT_FALSE(view().doubtful) << "which peers would be told";
}

TEST_F(membership_doubt, is_taken_over_from_a_peer_by_a_node_that_has_just_come) {
  meet_doubtful_peer();
  EXPECT_TRUE(view().doubtful) << "before its first lease";
  view().doubtful = false;
  state_.on_run("one", 1h);
  clock_now += 10s;
  meet_doubtful_peer();
  EXPECT_TRUE(view().doubtful) << "and some time after it";
}

TEST_F(membership_doubt, of_a_peer_is_nothing_to_a_node_that_saw_it_all_itself) {
  state_.on_run("one", 1h);
  clock_now += 1min;
  meet_doubtful_peer();
  EXPECT_FALSE(view().doubtful) << "or two nodes would keep each other in doubt";
}

} // namespace
