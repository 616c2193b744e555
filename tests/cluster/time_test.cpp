// SPDX-License-Identifier: Apache-2.0
#include "cluster/time.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace stentor;
using namespace std::chrono_literals;

TEST(after, adds_what_a_clock_can_say) {
  time_point now{std::chrono::hours{1000}};
  EXPECT_EQ(after(now, 5s), now + 5s);
  EXPECT_EQ(after(now, -5s), now - 5s);
  EXPECT_EQ(after(now, std::chrono::hours{24 * 365 * 100}), now + std::chrono::hours{24 * 365 * 100});
}

TEST(after, is_never_for_what_is_past_a_century) {
  time_point now{std::chrono::hours{1000}};
  for (auto far : {std::chrono::milliseconds{std::chrono::hours{24 * 365 * 101}},
                   std::chrono::milliseconds{253'402'300'799'000}, std::chrono::milliseconds::max()})
    EXPECT_EQ(after(now, far), time_point::max()) << far.count();
}

TEST(after, is_now_for_what_was_over_before_any_clock) {
  time_point now{std::chrono::hours{1000}};
  EXPECT_EQ(after(now, std::chrono::milliseconds::min()), now);
  EXPECT_EQ(after(now, std::chrono::milliseconds{-253'402'300'799'000}), now);
}
