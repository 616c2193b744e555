// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/core_watch.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

TEST(core_watch, takes_servers_that_wait_for_each_other_for_undisturbed) {
  EXPECT_EQ(kept_by_strangers_ns({900, 1'000}, 1'000), 0u) << "each wanted the core, and one of them had it";
}

TEST(core_watch, finds_what_none_of_the_servers_ran) {
  EXPECT_EQ(kept_by_strangers_ns({900, 1'000}, 700), 300u);
  EXPECT_EQ(kept_by_strangers_ns({1'000}, 600), 400u);
}

TEST(core_watch, has_nothing_to_say_about_no_server) {
  EXPECT_EQ(kept_by_strangers_ns({}, 0), 0u);
}
