// SPDX-License-Identifier: Apache-2.0
#include "cluster/token_bucket.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr time_point t0{1h};

TEST(token_bucket, passes_its_burst_at_once_and_then_its_rate) {
  token_bucket bucket;
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(bucket.take(t0, 50, 100)) << i;
  EXPECT_FALSE(bucket.take(t0, 50, 100));
  EXPECT_FALSE(bucket.take(t0 + 19ms, 50, 100));
  EXPECT_TRUE(bucket.take(t0 + 21ms, 50, 100));
  EXPECT_FALSE(bucket.take(t0 + 21ms, 50, 100));
}

TEST(token_bucket, holds_no_more_than_its_burst_however_long_it_rests) {
  token_bucket bucket;
  ASSERT_TRUE(bucket.take(t0, 10, 3));
  int passed = 0;
  while (passed < 10 && bucket.take(t0 + 24h, 10, 3))
    ++passed;
  EXPECT_EQ(passed, 3);
}

TEST(token_bucket, never_refuses_at_rate_zero) {
  token_bucket bucket;
  for (int i = 0; i < 10000; ++i)
    ASSERT_TRUE(bucket.take(t0, 0, 1) && bucket.take(t0, -1, 1) && bucket.take(t0, std::nan(""), 1));
}

TEST(token_bucket, passes_one_at_a_time_where_the_burst_is_below_one) {
  token_bucket bucket;
  EXPECT_TRUE(bucket.take(t0, 10, 0));
  EXPECT_FALSE(bucket.take(t0 + 99ms, 10, 0));
  EXPECT_TRUE(bucket.take(t0 + 101ms, 10, 0));
}

TEST(token_bucket, gives_nothing_away_when_time_steps_back) {
  token_bucket bucket;
  EXPECT_TRUE(bucket.take(t0, 10, 1));
  EXPECT_FALSE(bucket.take(t0 - 10s, 10, 1));
  EXPECT_FALSE(bucket.take(t0 + 50ms, 10, 1));
  EXPECT_TRUE(bucket.take(t0 + 101ms, 10, 1));
}

TEST(token_bucket, passes_rate_times_time_plus_burst_over_any_span) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random{seed};
    double rate = 1 + random() % 300; // below the 1,000 a second that are asked
    double burst = 1 + random() % 50;
    token_bucket bucket;
    auto now = t0;
    int passed = 0;
    for (int i = 0; i < 5000; ++i) {
      now += std::chrono::microseconds{random() % 2000};
      passed += bucket.take(now, rate, burst);
    }
    auto most = rate * std::chrono::duration<double>(now - t0).count() + burst;
    EXPECT_LE(passed, most + 1) << "seed " << seed;
    EXPECT_GE(passed, std::min(5000.0, most - burst - 1) * 0.9) << "seed " << seed;
  }
}

} // namespace
} // namespace stentor
