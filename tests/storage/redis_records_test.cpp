// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_records.hpp"

#include <gtest/gtest.h>

namespace stentor::storage {
namespace {

/// Room for every margin: a thousand years.
constexpr directory_time margin = int64_t{1000} * 365 * 24 * 3600 * 1'000'000;

TEST(redis_lease, of_any_time_leaves_room_for_what_is_added_to_it) {
  for (auto text : {"9223372036854775807", "9223372036854775000", "300000000000000000"}) {
    auto x = redis_lease_from("node-a 1f", text + std::string{" 1 0 0 127.0.0.1:7402"});
    ASSERT_TRUE(x) << text;
    EXPECT_LT(x->at.until, INT64_MAX - margin) << text;
    EXPECT_GT(x->at.until, 8'000 * margin / 1000) << text;
  }
}

TEST(redis_lease, of_a_time_before_1970_has_ended) {
  auto x = redis_lease_from("node-a 1f", "-9223372036854775808 0 0 0 127.0.0.1:7402");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->at.until, 0);
}

TEST(redis_lease, keeps_the_time_of_today) {
  auto x = redis_lease_from("node-a 1f", "1796119436123456 0 0 0 127.0.0.1:7402");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->at.until, 1'796'119'436'123'456);
}

TEST(redis_time, is_clamped_before_it_is_multiplied) {
  EXPECT_EQ(directory_time_from("1796119436", "123456"), 1'796'119'436'123'456);
  EXPECT_EQ(directory_time_from("9223372036854775807", "0"), 253'402'300'799'000'000);
  EXPECT_EQ(directory_time_from("-9223372036854775808", "-1"), 0);
  EXPECT_EQ(directory_time_from("1", "9223372036854775807"), 1'999'999);
  EXPECT_EQ(directory_time_from("now", ""), 0);
}

} // namespace
} // namespace stentor::storage
