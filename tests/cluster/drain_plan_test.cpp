// SPDX-License-Identifier: Apache-2.0
#include "cluster/drain_plan.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stentor {
namespace {

using namespace std::chrono_literals;

TEST(drain_plan, spreads_over_the_time_that_was_asked_for) {
  drain_plan plan{1000, 10s, 5000};
  EXPECT_EQ(plan.length(), 10s);
  EXPECT_EQ(plan.due(0ms), 0u);
  EXPECT_EQ(plan.due(2500ms), 250u);
  EXPECT_EQ(plan.due(10s), 1000u);
}

TEST(drain_plan, takes_longer_where_the_others_take_devices_in_slower) {
  EXPECT_EQ((drain_plan{12'000, 10s, 400}.length()), 30s);
}

TEST(drain_plan, ends_within_its_bound_however_slow_the_others_are) {
  EXPECT_EQ((drain_plan{10'000'000, 10s, 1}.length()), drain_plan::longest);
  EXPECT_EQ((drain_plan{10'000'000, 60min, 1}.length()), 60min) << "a person asked for more";
}

TEST(drain_plan, follows_only_the_time_where_nobody_takes_devices_in) {
  EXPECT_EQ((drain_plan{12'000, 10s, 0}.length()), 10s);
}

TEST(drain_plan, asks_everybody_at_once_over_no_time) {
  drain_plan plan{10, 0ms, 1000};
  EXPECT_EQ(plan.due(plan.length()), 10u);
  EXPECT_EQ((drain_plan{0, 0ms, 1000}.due(0ms)), 0u);
  EXPECT_EQ((drain_plan{5, 0ms, 0}.due(0ms)), 5u);
}

TEST(drain_plan, asks_each_device_once_and_no_faster_than_the_others_take_them_in) {
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    size_t devices = random() % 50'000;
    size_t capacity = 1 + random() % 20'000;
    std::chrono::milliseconds over{random() % 60'000};
    drain_plan plan{devices, over, capacity};
    EXPECT_GE(plan.length(), over);
    size_t asked = 0;
    std::chrono::milliseconds at{0};
    while (asked < devices) {
      at += std::chrono::milliseconds{1 + random() % 400};
      auto due = plan.due(at);
      ASSERT_GE(due, asked) << "seed " << seed;
      ASSERT_LE(due, devices) << "seed " << seed;
      if (at < plan.length()) {
        ASSERT_LE(static_cast<double>(due),
                  static_cast<double>(capacity) * (static_cast<double>(at.count()) + 1) / 1000 + 1)
            << "seed " << seed;
      }
      asked = due;
    }
    ASSERT_LE(at, plan.length() + 400ms) << "seed " << seed;
  }
}

} // namespace
} // namespace stentor
