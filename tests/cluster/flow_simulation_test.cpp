// SPDX-License-Identifier: Apache-2.0
// Flows in a small cluster from a seed, and the proof that the check of their record can fail.
#include "tests/cluster/flow_world.hpp"

#include <gtest/gtest.h>

namespace stentor {
namespace {

using test::broken_promise;
using test::flow_world;
using test::trace;
using kind = test::trace_event::kind;

// -- the simulation ----

TEST(flow_simulation, keeps_order_and_gives_each_message_one_true_verdict) {
  test::world_counters sum;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    flow_world world{seed};
    ASSERT_EQ(world.run(), "") << "seed " << seed;
    const auto &c = world.counts();
    sum.written += c.written;
    sum.written_resent += c.written_resent;
    sum.turns += c.turns;
    sum.bounced += c.bounced;
    sum.offline += c.offline;
    sum.unreachable += c.unreachable;
    sum.expired += c.expired;
    sum.congested += c.congested;
    sum.roads_lost += c.roads_lost;
    sum.learned += c.learned;
    sum.stale_answers += c.stale_answers;
  }
  // What never happened was not tested.
  EXPECT_GT(sum.written, 100000u);
  EXPECT_GT(sum.written_resent, 1000u);
  EXPECT_GT(sum.turns, 1000u);
  EXPECT_GT(sum.bounced, sum.turns);
  for (auto count : {sum.offline, sum.unreachable, sum.expired, sum.congested, sum.roads_lost, sum.learned,
                     sum.stale_answers})
    EXPECT_GT(count, 1000u);
}

TEST(flow_simulation, finds_a_session_that_bounces_but_writes_what_it_held) {
  int found = 0;
  for (uint32_t seed = 1; seed <= 100; ++seed)
    found += !flow_world{seed, flow_world::fault::holds_back}.run().empty();
  EXPECT_GT(found, 20);
}

// -- the checker ----

const trace good{{kind::sent, 0, 0},    {kind::sent, 0, 1},  {kind::sent, 1, 0},
                 {kind::written, 0, 0}, {kind::ended, 0, 0}, {kind::ended, 1, 0, verdict::offline},
                 {kind::written, 0, 1}, {kind::ended, 0, 1}};

TEST(flow_trace, keeps_its_promises_in_a_good_run) {
  EXPECT_EQ(broken_promise(good), "");
}

TEST(flow_trace, breaks_where_two_messages_change_places) {
  auto bad = good;
  std::swap(bad[3], bad[6]);
  std::swap(bad[4], bad[7]);
  EXPECT_EQ(broken_promise(bad), "message 0 of sender 0 was delivered after message 1");
}

TEST(flow_trace, breaks_where_a_message_arrives_twice) {
  auto bad = good;
  bad.insert(bad.begin() + 4, bad[3]);
  EXPECT_EQ(broken_promise(bad), "message 0 of sender 0 was delivered twice");
}

TEST(flow_trace, breaks_where_a_message_arrives_after_a_negative_verdict) {
  auto bad = good;
  bad.push_back({kind::written, 1, 0});
  EXPECT_EQ(broken_promise(bad), "message 0 of sender 1 was delivered after its verdict");
}

TEST(flow_trace, breaks_where_a_verdict_is_false) {
  auto bad = good;
  bad[4].v = verdict::offline;
  EXPECT_EQ(broken_promise(bad), "message 0 of sender 0 was delivered and ended offline");
  bad = good;
  bad[5].v = verdict::written;
  EXPECT_EQ(broken_promise(bad), "message 0 of sender 1 was not delivered and ended written");
}

TEST(flow_trace, breaks_where_a_message_has_no_verdict_or_two) {
  auto bad = good;
  bad.pop_back();
  EXPECT_EQ(broken_promise(bad), "message 1 of sender 0 got no verdict");
  bad = good;
  bad.push_back(bad.back());
  EXPECT_EQ(broken_promise(bad), "message 1 of sender 0 got two verdicts");
}

TEST(flow_trace, breaks_where_a_message_comes_from_nowhere) {
  auto bad = good;
  bad.push_back({kind::written, 3, 3});
  EXPECT_EQ(broken_promise(bad), "message 3 of sender 3 was never sent");
}

} // namespace
} // namespace stentor
