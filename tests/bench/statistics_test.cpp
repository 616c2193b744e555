// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/statistics.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

TEST(statistics, takes_the_middle_value_and_the_extremes) {
  auto x = summarize({9, 1, 5, 100, 4});
  EXPECT_DOUBLE_EQ(x.median, 5);
  EXPECT_DOUBLE_EQ(x.least, 1);
  EXPECT_DOUBLE_EQ(x.most, 100);
  EXPECT_DOUBLE_EQ(x.spread(), 9.9);
}

TEST(statistics, takes_the_mean_of_the_middle_two_of_an_even_number) {
  EXPECT_DOUBLE_EQ(summarize({4, 1, 2, 3}).median, 2.5);
}

TEST(statistics, says_zero_for_nothing) {
  EXPECT_DOUBLE_EQ(summarize({}).median, 0);
  EXPECT_DOUBLE_EQ(summarize({}).spread(), 0);
}

TEST(statistics, compares_pair_by_pair_so_that_a_slow_pair_cancels_out) {
  // The second pair ran on a machine twice as slow: medians of each side alone would say 1.5 or less.
  auto x = ratios({3, 6, 3}, {2, 4, 2});
  EXPECT_EQ(x, (std::vector<double>{1.5, 1.5, 1.5}));
}

TEST(statistics, leaves_out_pairs_without_a_denominator) {
  EXPECT_EQ(ratios({1, 2}, {0, 4}), (std::vector<double>{0.5}));
}
