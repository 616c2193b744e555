// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

TEST(report, judges_the_median_ratio_against_the_limit) {
  finding x{"cpu", {10, 10, 10}, {15, 30, 16}, {}, "×", 1.6, "≤ 1.6 ×"};
  EXPECT_EQ(x.is_met(), true);
  x.limit = 1.59;
  EXPECT_EQ(x.is_met(), false);
}

TEST(report, does_not_judge_without_a_limit_or_without_figures) {
  EXPECT_EQ((finding{"cpu", {1}, {9}, {}, "×", {}}).is_met(), std::nullopt);
  EXPECT_EQ((finding{"cpu", {1}, {}, {}, "×", 1, "≤ 1"}).is_met(), std::nullopt);
}

TEST(report, names_the_server_that_takes_the_place_of_the_floor) {
  report x{"against"};
  x.add({"cpu", {2, 2}, {3, 3}});
  EXPECT_NE(x.markdown().find("| against |"), std::string::npos);
  EXPECT_EQ(x.markdown().find("floor"), std::string::npos);
  EXPECT_DOUBLE_EQ(x.json()["findings"][0]["against"]["median"], 2);
}

TEST(finding, may_have_to_be_at_least_its_limit) {
  finding x{"rate", {}, {5}, {5}};
  x.hold_at_least(5, "≥ 5");
  EXPECT_EQ(x.is_met(), true);
  x.compared = {4.9};
  EXPECT_EQ(x.is_met(), false);
}

TEST(report, is_bad_where_one_bar_is_missed_or_a_scenario_failed) {
  report missed;
  missed.add({"good", {1}, {1}, {}, "×", 1, "≤ 1"});
  EXPECT_TRUE(missed.is_good());
  missed.add({"bad", {1}, {2}, {}, "×", 1, "≤ 1"});
  EXPECT_FALSE(missed.is_good());
  EXPECT_NE(missed.markdown().find("FAIL"), std::string::npos);

  report broken;
  broken.fail("the server went away");
  EXPECT_FALSE(broken.is_good());
  EXPECT_NE(broken.markdown().find("the server went away"), std::string::npos);
}

TEST(report, says_the_same_to_machines) {
  report x;
  x.add({"cpu", {2, 2}, {3, 3}, {}, "×", 1.6, "≤ 1.6 ×"});
  auto json = x.json();
  EXPECT_EQ(json["findings"][0]["met"], true);
  EXPECT_DOUBLE_EQ(json["findings"][0]["compared"]["median"], 1.5);
  EXPECT_EQ(json["good"], true);
}
