// SPDX-License-Identifier: Apache-2.0
// Memberships in a small cluster from a seed, and the proof that the checks see a broken rule.
#include "tests/cluster/membership_world.hpp"

#include <gtest/gtest.h>

namespace stentor {
namespace {

using test::membership_counters;
using test::membership_world;
using theme = membership_world::theme;
using fault = membership_world::fault;

membership_counters run(theme t, uint32_t seeds) {
  membership_counters sum;
  for (uint32_t seed = 1; seed <= seeds; ++seed) {
    membership_world world{seed, t};
    EXPECT_EQ(world.run(), "") << "seed " << seed;
    sum += world.counts();
    if (testing::Test::HasFailure())
      break;
  }
  return sum;
}

// What never happened was not tested: each simulation also says how often it did.

TEST(membership_simulation, keeps_its_promises_through_faults_of_all_kinds) {
  auto sum = run(theme::mixed, 500);
  EXPECT_GT(sum.agreed, 5000u);
  EXPECT_GT(std::min({sum.kills, sum.freezes, sum.rejoined, sum.outages, sum.restores, sum.declared,
                      sum.swept, sum.drains, sum.restarts, sum.fail_overs, sum.isolated}),
            50u);
}

TEST(membership_simulation, fences_nobody_and_buries_nobody_while_only_the_directory_fails) {
  auto sum = run(theme::directory_only, 200);
  EXPECT_GT(std::min({sum.outages, sum.restarts, sum.fail_overs}), 50u);
  EXPECT_EQ(sum.declared + sum.swept, 0u);
}

TEST(membership_simulation, declares_who_was_killed_dead_within_seven_seconds) {
  auto sum = run(theme::kills_only, 200);
  EXPECT_GT(sum.buried_in_time, 200u);
  EXPECT_GT(std::min(sum.swept, sum.waited), 200u);
}

TEST(membership_simulation, lets_no_frozen_node_write_before_it_asked_nor_beside_its_successor) {
  auto sum = run(theme::freezes, 300);
  EXPECT_GT(std::min({sum.away_turns, sum.rejoined, sum.replaced}), 100u);
}

TEST(membership_simulation, fences_who_is_cut_off_and_keeps_who_is_linked) {
  auto sum = run(theme::cuts, 300);
  EXPECT_GT(std::min(sum.fenced, sum.isolated), 100u);
}

TEST(membership_simulation, holds_where_the_directory_works) {
  auto sum = run(theme::directory_works, 200);
  EXPECT_EQ(sum.restarts + sum.fail_overs + sum.both_after_restart + sum.both_after_failover, 0u);
  EXPECT_GT(std::min(sum.agreed, sum.kills), 100u);
}

TEST(membership_simulation, declares_nobody_dead_for_a_cut_link_and_a_directory_that_was_away) {
  auto sum = run(theme::links_and_directory, 300);
  EXPECT_GT(std::min(sum.outages, sum.restarts), 50u);
}

// -- the checks ----

int found(fault f, theme t) {
  int count = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed)
    count += !membership_world{seed, t, f}.run().empty();
  return count;
}

TEST(membership_simulation, finds_a_loop_that_does_not_notice_its_own_absence) {
  EXPECT_GT(found(fault::deaf_loop, theme::freezes), 3);
}

TEST(membership_simulation, finds_a_lease_counted_from_the_answer) {
  EXPECT_GT(found(fault::late_lease, theme::freezes), 3);
}

TEST(membership_simulation, finds_a_node_that_declares_dead_right_after_a_gap) {
  EXPECT_GT(found(fault::no_settling, theme::links_and_directory), 3);
}

TEST(membership_simulation, finds_a_node_that_declares_dead_over_a_healthy_link) {
  EXPECT_GT(found(fault::blind_to_links, theme::cuts), 3);
}

} // namespace
} // namespace stentor
