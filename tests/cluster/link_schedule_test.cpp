// SPDX-License-Identifier: Apache-2.0
#include "cluster/link_schedule.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{1h};

hello hello_of(const std::string &node, incarnation inc) {
  return {"c", {}, node_id::trusted(node), inc, 0};
}

/// A link that is up, with its first ping sent at `start`.
struct link_up : testing::Test {
  link_up() {
    x.began(start, 3);
    EXPECT_TRUE(x.ping(start));
  }
  stentor::link x{{}};
};

} // namespace

TEST(link_hello, fits_where_cluster_and_a_version_are_shared) {
  auto mine = hello_of("a", 1), theirs = hello_of("b", 2);
  EXPECT_EQ(check(mine, theirs), "");
  mine.protocol = {1, 2};
  theirs.protocol = {2, 3};
  EXPECT_EQ(check(mine, theirs), "");
  EXPECT_EQ(check(theirs, mine), "");
  theirs.protocol = {3, 3};
  EXPECT_NE(check(mine, theirs), "");
  EXPECT_NE(check(theirs, mine), "");
}

TEST(link_hello, of_another_cluster_or_of_ourselves_does_not_fit) {
  auto mine = hello_of("a", 1);
  auto other = hello_of("b", 2);
  other.cluster = "d";
  EXPECT_NE(check(mine, other).find("--cluster"), std::string::npos);
  EXPECT_NE(check(mine, hello_of("a", 1)), "");
  EXPECT_NE(check(mine, hello_of("", 2)), "");
  EXPECT_NE(check(mine, hello_of("b", 0)), "");
}

TEST(link_side, exactly_one_of_two_connects) {
  auto a = node_id::trusted("a"), b = node_id::trusted("b");
  EXPECT_NE(connects(a, 1, b, 2), connects(b, 2, a, 1));
  EXPECT_NE(connects(a, 2, b, 1), connects(b, 1, a, 2));
  EXPECT_NE(connects(a, 1, a, 2), connects(a, 2, a, 1)) << "two incarnations of one node";
}

TEST_F(link_up, pings_every_quarter_second) {
  EXPECT_FALSE(x.ping(start + 249ms));
  EXPECT_EQ(x.due(), start + 250ms);
  EXPECT_TRUE(x.ping(start + 250ms));
}

TEST_F(link_up, is_dead_once_its_oldest_ping_is_older_than_the_silence) {
  for (auto t = 250ms; t < 750ms; t += 250ms)
    x.ping(start + t);
  EXPECT_FALSE(x.is_dead(start + 750ms));
  EXPECT_TRUE(x.is_dead(start + 751ms));
  EXPECT_LE(x.due(), start + 751ms);
}

TEST_F(link_up, lives_while_pings_are_answered) {
  for (auto t = 0ms; t < 10s; t += 250ms) {
    x.ping(start + t);
    EXPECT_FALSE(x.is_dead(start + t));
    x.pong(start + t);
  }
}

TEST_F(link_up, a_slow_answer_counts_for_the_ping_it_answers) {
  x.ping(start + 250ms);
  x.pong(start); // 700 ms late
  EXPECT_FALSE(x.is_dead(start + 900ms));
  EXPECT_TRUE(x.is_dead(start + 1001ms)) << "the second one is as old as that";
}

TEST(link_retry, backs_off_to_two_seconds_and_starts_over_after_a_link) {
  stentor::link x{{}};
  auto wait = [&](time_point now) {
    x.failed(now, 1);
    return x.due() - now;
  };
  EXPECT_EQ(wait(start), 100ms);
  EXPECT_EQ(wait(start), 200ms);
  for (int i = 0; i < 40; ++i)
    wait(start);
  EXPECT_EQ(wait(start), 2s);
  x.began(start, 1);
  x.ended(start, 1);
  EXPECT_EQ(x.due() - start, 100ms);
  EXPECT_FALSE(x.may_connect(start));
  EXPECT_TRUE(x.may_connect(start + 100ms));
}

TEST(link_retry, spreads_by_half) {
  stentor::link x{{}};
  x.failed(start, 0);
  EXPECT_EQ(x.due() - start, 50ms);
}

TEST(link_retry, is_slow_where_a_person_must_mend_something) {
  stentor::link x{{}};
  x.refused(start);
  EXPECT_FALSE(x.may_connect(start + 14s));
  EXPECT_TRUE(x.may_connect(start + 15s));
}

TEST(link_epoch, never_goes_back) {
  stentor::link x{{}};
  x.began(start, 7);
  x.ended(start, 0);
  x.began(start, 8);
  EXPECT_EQ(x.epoch(), 8);
  x.ended(start, 0);
  EXPECT_EQ(x.epoch(), 8) << "so that the next is asked for above it";
}
