// SPDX-License-Identifier: Apache-2.0
#include "cluster/link.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr time_point t0{1h};

hello a_hello(const char *node = "a", incarnation inc = 1) {
  return {"blue", {3, 4}, node_id::trusted(node), inc, 1};
}

// -- the handshake ----

TEST(hello, fits_another_node_of_the_cluster) {
  EXPECT_EQ(check(a_hello(), a_hello("b", 2)), "");
}

TEST(hello, says_both_names_where_the_clusters_differ) {
  auto other = a_hello("b", 2);
  other.cluster = "green";
  auto why = check(a_hello(), other);
  EXPECT_NE(why.find("'green'"), std::string::npos);
  EXPECT_NE(why.find("'blue'"), std::string::npos);
}

TEST(hello, lets_versions_differ_by_one_and_not_by_two) {
  auto other = a_hello("b", 2);
  for (auto [oldest, newest, fits] :
       {std::tuple{1, 2, false}, {2, 3, true}, {3, 4, true}, {4, 5, true}, {5, 6, false}}) {
    other.protocol = {static_cast<uint16_t>(oldest), static_cast<uint16_t>(newest)};
    EXPECT_EQ(check(a_hello(), other).empty(), fits) << oldest << " to " << newest;
    EXPECT_EQ(check(other, a_hello()).empty(), fits) << "seen from there";
  }
}

TEST(hello, refuses_what_names_no_node_or_this_one) {
  EXPECT_NE(check(a_hello(), a_hello("", 2)), "");
  EXPECT_NE(check(a_hello(), a_hello("b", 0)), "");
  EXPECT_NE(check(a_hello(), a_hello("a", 1)), "");
  EXPECT_NE(check(a_hello(), a_hello("no such/id", 2)), "");
}

TEST(link, is_connected_by_exactly_one_of_two_incarnations) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    std::mt19937 random{seed};
    auto any = [&] { return node_id::trusted("n" + std::to_string(random() % 3)); };
    auto a = any(), b = any();
    incarnation x = 1 + random() % 5, y = 6 + random() % 5;
    EXPECT_NE(connects(a, x, b, y), connects(b, y, a, x)) << "seed " << seed;
  }
}

// -- the watch ----

TEST(link, pings_four_times_a_second_while_it_is_up) {
  link l{link_times{}};
  EXPECT_FALSE(l.ping(t0));
  l.began(t0, 1);
  int pings = 0;
  for (auto now = t0; now < t0 + 10s; now += 10ms)
    if (l.ping(now)) {
      ++pings;
      l.pong(now, now);
    }
  EXPECT_EQ(pings, 40);
}

TEST(link, is_dead_where_a_ping_was_unanswered_for_more_than_a_second) {
  link l{link_times{}};
  l.began(t0, 1);
  ASSERT_TRUE(l.ping(t0));
  l.pong(t0, t0 + 10ms);
  ASSERT_TRUE(l.ping(t0 + 250ms));
  ASSERT_TRUE(l.ping(t0 + 500ms));
  EXPECT_FALSE(l.is_dead(t0 + 1250ms));
  EXPECT_TRUE(l.is_dead(t0 + 1251ms));
  l.pong(t0 + 250ms, t0 + 1252ms);
  EXPECT_FALSE(l.is_dead(t0 + 1252ms));
}

TEST(link, takes_an_answer_of_an_earlier_ping_for_no_answer_to_this_one) {
  link l{link_times{}};
  l.began(t0, 1);
  ASSERT_TRUE(l.ping(t0));
  l.pong(t0 - 1s, t0 + 900ms);
  EXPECT_TRUE(l.is_dead(t0 + 1001ms));
}

TEST(link, forgets_what_was_unanswered_when_it_begins_anew_and_keeps_the_highest_epoch) {
  link l{link_times{}};
  l.began(t0, 5);
  ASSERT_TRUE(l.ping(t0));
  l.ended(t0 + 1s, 0.5);
  EXPECT_FALSE(l.is_up());
  l.began(t0 + 2s, 3);
  EXPECT_EQ(l.epoch(), 5u);
  EXPECT_FALSE(l.is_dead(t0 + 5s));
}

TEST(link, finds_a_stall_in_time_and_never_a_slow_but_living_peer) {
  int stalled = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    link l{link_times{}};
    l.began(t0, 1);
    auto most_delay = 1 + random() % 700; // of a round trip, milliseconds
    auto stall = random() % 2 ? t0 + std::chrono::milliseconds{random() % 8000} : time_point::max();
    std::deque<std::pair<time_point, time_point>> under_way; // sent, comes back
    std::optional<time_point> dead;
    for (auto now = t0; now < t0 + 10s && !dead; now += 5ms) {
      while (!under_way.empty() && under_way.front().second <= now) {
        l.pong(under_way.front().first, now);
        under_way.pop_front();
      }
      if (l.is_dead(now))
        dead = now;
      else if (l.ping(now)) {
        auto back = now + std::chrono::milliseconds{random() % most_delay};
        if (!under_way.empty())
          back = std::max(back, under_way.back().second); // in order
        if (back < stall)
          under_way.emplace_back(now, back);
      }
    }
    ASSERT_EQ(dead.has_value(), stall != time_point::max()) << "seed " << seed;
    if (dead) {
      ++stalled;
      EXPECT_LE(*dead - stall, 1250ms + 10ms) << "seed " << seed;
    }
  }
  EXPECT_GT(stalled, 500);
}

// -- trying again ----

TEST(link, tries_again_after_longer_and_longer_waits_with_jitter_up_to_two_seconds) {
  for (double random : {0.0, 0.5, 0.999}) {
    link l{link_times{}};
    auto now = t0;
    ASSERT_TRUE(l.may_connect(now));
    for (int i = 0; i < 40; ++i) {
      l.failed(now, random);
      auto most = std::min(100ms * (1 << std::min(i, 10)), std::chrono::milliseconds{2000});
      auto wait = l.due() - now;
      EXPECT_GE(wait, most / 2 - 1ms);
      EXPECT_LE(wait, most);
      EXPECT_FALSE(l.may_connect(now + wait - 1ms));
      EXPECT_TRUE(l.may_connect(now + wait));
      now += wait;
    }
  }
}

TEST(link, tries_a_peer_that_refused_seldom_and_soon_again_after_it_was_up) {
  link l{link_times{}};
  l.refused(t0);
  EXPECT_FALSE(l.may_connect(t0 + 14s));
  EXPECT_TRUE(l.may_connect(t0 + 15s));
  for (int i = 0; i < 10; ++i)
    l.failed(t0, 1);
  l.began(t0 + 1min, 1);
  l.ended(t0 + 2min, 1);
  EXPECT_TRUE(l.may_connect(t0 + 2min + 100ms));
}

TEST(link, says_when_it_is_to_be_looked_at_again) {
  link l{link_times{}};
  l.began(t0, 1);
  EXPECT_EQ(l.due(), t0);
  ASSERT_TRUE(l.ping(t0));
  EXPECT_EQ(l.due(), t0 + 250ms);
  for (auto now = t0 + 250ms; now <= t0 + 1s; now += 250ms)
    ASSERT_TRUE(l.ping(now));
  EXPECT_TRUE(l.is_dead(l.due())) << "the moment at which it is dead";
}

} // namespace
} // namespace stentor
