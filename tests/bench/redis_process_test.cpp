// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/redis_process.hpp"

#include <gtest/gtest.h>

using stentor::bench::redis_info_number;

namespace {

constexpr auto answer = "$90\r\n# Memory\r\nused_memory_rss:7\r\nused_memory:1234567\r\n"
                        "used_memory_human:1.18M\r\nmaxmemory_policy:noeviction\r\n\r\n+OK\r\n";

} // namespace

TEST(redis_info, finds_a_number_by_the_whole_name_of_its_field) {
  EXPECT_EQ(redis_info_number(answer, "used_memory"), 1'234'567u);
}

TEST(redis_info, has_nothing_for_fields_that_are_missing_or_no_number) {
  EXPECT_FALSE(redis_info_number(answer, "used_memory_peak"));
  EXPECT_FALSE(redis_info_number(answer, "maxmemory_policy"));
  EXPECT_FALSE(redis_info_number("", "used_memory"));
}
