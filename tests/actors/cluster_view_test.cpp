// SPDX-License-Identifier: Apache-2.0
// How long the directory may carry out what is asked of it.
#include "actors/cluster_view.hpp"

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

TEST(cluster_view, is_doubtful_while_the_node_joins_and_after_an_outage) {
  cluster_view view;
  EXPECT_FALSE(view.is_doubtful());
  view.joining = true;
  EXPECT_TRUE(view.is_doubtful());
  view.doubtful = true;
  view.joining = false;
  EXPECT_TRUE(view.is_doubtful());
  view.doubtful = false;
  EXPECT_FALSE(view.is_doubtful());
}
