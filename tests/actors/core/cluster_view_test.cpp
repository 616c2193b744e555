// SPDX-License-Identifier: Apache-2.0
// How long the directory may carry out what is asked of it, and when what it lacks counts for nothing.
#include "actors/core/cluster_view.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

TEST(write_until, is_the_lease_where_the_directory_is_our_own) {
  cluster_view view;
  view.lease_end = 1'000'000'000;
  EXPECT_EQ(view.write_until(boot_time{5s}, 4s), 1'000'000'000);
}

TEST(write_until, is_no_later_than_somebody_waits) {
  cluster_view view;
  view.lease_end = 1'000'000'000;
  view.clock_ahead_us = 900'000'000;
  EXPECT_EQ(view.write_until(boot_time{5s}, 4s), 909'000'000);
}

TEST(write_until, is_no_later_than_the_lease) {
  cluster_view view;
  view.lease_end = 1'000'000'000;
  view.clock_ahead_us = 900'000'000;
  EXPECT_EQ(view.write_until(boot_time{99s}, 4s), 1'000'000'000);
}

TEST(doubt, begins_with_an_answer_of_a_process_that_membership_does_not_know) {
  cluster_view view;
  EXPECT_FALSE(view.is_doubtful("one")) << "membership knows none: it is the node alone";
  view.set_run("one");
  EXPECT_FALSE(view.is_doubtful("one"));
  EXPECT_TRUE(view.is_doubtful("two"));
  view.set_run("two");
  EXPECT_FALSE(view.is_doubtful("two"));
  EXPECT_TRUE(view.is_doubtful("one")) << "an answer that was on its way";
}

TEST(doubt, is_a_node_s_that_has_not_joined) {
  cluster_view view;
  view.joining = true;
  EXPECT_TRUE(view.is_doubtful());
  view.joining = false;
  EXPECT_FALSE(view.is_doubtful());
  view.doubtful = true;
  EXPECT_TRUE(view.is_doubtful());
}
