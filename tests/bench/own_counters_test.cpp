// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/own_counters.hpp"

#include <gtest/gtest.h>

TEST(own_counters, adds_up_calls_over_loops_and_nothing_else) {
  EXPECT_EQ(stentor::bench::sum_of_io_calls("# HELP stentor_io_polls_total Waits.\n"
                                            "stentor_io_polls_total{loop=\"0\"} 10\n"
                                            "stentor_io_polls_total{loop=\"1\"} 5\n"
                                            "stentor_io_sends_total 1e3\n"
                                            "stentor_io_sent_bytes_total 77777\n"
                                            "stentor_io_receives_total 200\n"
                                            "stentor_io_accepts_total 3"),
            1'218u);
}
