// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using stentor::bench::histogram;

TEST(histogram, says_zero_for_everything_while_empty) {
  histogram x;
  EXPECT_EQ(x.count(), 0u);
  EXPECT_EQ(x.percentile(0.5), 0u);
  EXPECT_EQ(x.max(), 0u);
}

TEST(histogram, is_exact_for_small_values) {
  histogram x;
  for (uint64_t i = 1; i <= 100; ++i)
    x.record(i);
  EXPECT_EQ(x.percentile(0), 1u);
  EXPECT_EQ(x.percentile(0.5), 50u);
  EXPECT_EQ(x.percentile(0.99), 99u);
  EXPECT_EQ(x.percentile(1), 100u);
}

TEST(histogram, keeps_every_percentile_within_one_percent_above_the_sorted_values) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  std::lognormal_distribution<double> spread{10, 3};
  histogram x;
  std::vector<uint64_t> values;
  for (int i = 0; i < 50'000; ++i) {
    values.push_back(static_cast<uint64_t>(spread(random)));
    x.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (auto fraction : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto rank = std::max<size_t>(1, static_cast<size_t>(std::ceil(fraction * double(values.size()))));
    auto exact = values[rank - 1];
    EXPECT_GE(x.percentile(fraction), exact);
    EXPECT_LE(double(x.percentile(fraction)), double(exact) * 1.01) << fraction;
  }
  EXPECT_EQ(x.max(), values.back());
}

TEST(histogram, takes_the_largest_value_there_is) {
  histogram x;
  x.record(UINT64_MAX);
  x.record(0);
  EXPECT_EQ(x.percentile(1), UINT64_MAX);
  EXPECT_EQ(x.percentile(0.5), 0u);
}

TEST(histogram, merges_to_what_one_would_have_counted) {
  histogram a, b, both;
  for (uint64_t i = 0; i < 1'000; ++i) {
    (i % 3 ? a : b).record(i * i);
    both.record(i * i);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.max(), both.max());
  for (auto fraction : {0.1, 0.5, 0.999})
    EXPECT_EQ(a.percentile(fraction), both.percentile(fraction));
  a.clear();
  EXPECT_EQ(a.count(), 0u);
  EXPECT_EQ(a.percentile(1), 0u);
}
