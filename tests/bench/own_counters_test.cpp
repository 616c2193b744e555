// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/own_counters.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

TEST(own_counters, adds_up_calls_over_loops_and_nothing_else) {
  EXPECT_EQ(sum_of_io_calls("# HELP stentor_io_polls_total Waits.\n"
                            "stentor_io_polls_total{loop=\"0\"} 10\n"
                            "stentor_io_polls_total{loop=\"1\"} 5\n"
                            "stentor_io_sends_total 1e3\n"
                            "stentor_io_sent_bytes_total 77777\n"
                            "stentor_io_receives_total 200\n"
                            "stentor_io_accepts_total 3"),
            1'218u);
}

TEST(own_counters, sums_one_counter_over_its_labels_and_leaves_its_namesakes) {
  constexpr std::string_view name = "a_total";
  EXPECT_EQ(sum_of_counters("# HELP a_total x\na_total{b=\"1\"} 2\na_total{b=\"2\"} 3\na_total_more 9\n",
                            {&name, 1}),
            5u);
}
