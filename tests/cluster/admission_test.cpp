// SPDX-License-Identifier: Apache-2.0
#include "cluster/admission.hpp"

#include <gtest/gtest.h>

#include <queue>
#include <random>
#include <vector>

namespace stentor {
namespace {

using namespace std::chrono_literals;
using answer = admission::answer;

constexpr time_point t0{1h};

TEST(admission, takes_everybody_without_a_limit) {
  admission budget{0};
  for (int i = 0; i < 100'000; ++i)
    ASSERT_EQ(budget.ask(t0), answer::take);
}

TEST(admission, takes_its_budget_refuses_as_many_and_then_rests) {
  admission budget{100};
  std::vector<int> counts(3);
  for (int i = 0; i < 300; ++i)
    ++counts[static_cast<size_t>(budget.ask(t0))];
  EXPECT_EQ(counts, (std::vector{100, 100, 100}));
  EXPECT_EQ(budget.ask(t0 + 11ms), answer::take) << "and its rate from then on";
  EXPECT_EQ(budget.ask(t0 + 11ms), answer::refuse);
}

TEST(admission, shrinks_with_long_turns_but_always_takes_some) {
  admission budget{1000};
  auto now = t0;
  budget.on_turn(60ms, now);
  EXPECT_DOUBLE_EQ(budget.budget(), 700);
  budget.on_turn(60ms, now += 100ms);
  EXPECT_DOUBLE_EQ(budget.budget(), 700) << "once a window";
  for (int i = 0; i < 100; ++i)
    budget.on_turn(60ms, now += 200ms);
  EXPECT_DOUBLE_EQ(budget.budget(), 50);
}

TEST(admission, remembers_a_long_turn_until_its_window_ends) {
  admission budget{1000};
  budget.on_turn(1ms, t0);
  budget.on_turn(60ms, t0 + 50ms);
  budget.on_turn(1ms, t0 + 100ms);
  EXPECT_DOUBLE_EQ(budget.budget(), 1000);
  budget.on_turn(1ms, t0 + 200ms);
  EXPECT_DOUBLE_EQ(budget.budget(), 700);
}

TEST(admission, grows_back_within_ten_seconds_also_where_the_loop_seldom_turns) {
  for (auto step : {5ms, 1000ms}) {
    admission budget{1000};
    auto now = t0;
    for (int i = 0; i < 100; ++i)
      budget.on_turn(60ms, now += 200ms);
    ASSERT_DOUBLE_EQ(budget.budget(), 50);
    auto well = now;
    while (now < well + 5s)
      budget.on_turn(1ms, now += step);
    EXPECT_LT(budget.budget(), 700) << step.count() << " ms: it must not jump back into the storm";
    while (now < well + 11s)
      budget.on_turn(1ms, now += step);
    EXPECT_DOUBLE_EQ(budget.budget(), 1000) << step.count() << " ms";
  }
}

TEST(admission, tells_who_is_refused_to_wait_longer_the_more_there_are) {
  auto range = [](int refused) {
    admission budget{100};
    for (int i = 0; i < 100 + refused; ++i)
      (void)budget.ask(t0);
    auto least = uint32_t{1000}, most = uint32_t{0};
    for (uint64_t random = 0; random < 1000; ++random) {
      auto wait = budget.retry_after_s(random);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    return std::pair{least, most};
  };
  EXPECT_EQ(range(0), (std::pair{2u, 5u}));
  EXPECT_EQ(range(1000), (std::pair{10u, 21u}));
  EXPECT_EQ(range(1'000'000), (std::pair{30u, 61u}));
}

// A node died and its devices come to this loop all at once; who is refused comes back when told to.
TEST(admission, takes_in_a_storm_at_its_rate_and_leaves_nobody_out) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    std::mt19937 random{seed};
    double rate = 100 + random() % 900;
    admission budget{rate};
    int devices = static_cast<int>(rate * (2 + random() % 8));
    std::priority_queue<time_point, std::vector<time_point>, std::greater<>> coming;
    for (int i = 0; i < devices; ++i)
      coming.push(t0 + std::chrono::microseconds{random() % 500'000});
    int taken = 0;
    auto resting = t0, last = t0, next_turn = t0;
    while (!coming.empty()) {
      auto now = std::max(coming.top(), resting);
      coming.pop();
      for (; next_turn < now; next_turn += 20ms)
        budget.on_turn(1ms, next_turn);
      switch (budget.ask(now)) {
      case answer::take:
        ++taken;
        last = now;
        break;
      case answer::rest:
        resting = now + admission::pause;
        [[fallthrough]];
      case answer::refuse:
        coming.push(now + std::chrono::seconds{budget.retry_after_s(random())});
        break;
      }
      auto most = rate + rate * std::chrono::duration<double>(now - t0).count() + 1;
      ASSERT_LE(taken, most) << "seed " << seed;
      ASSERT_LT(now - t0, 5min) << "seed " << seed << ": " << coming.size() << " are still outside";
    }
    EXPECT_EQ(taken, devices);
    // As long as its rate needs, and what jitter and rests take.
    EXPECT_LE(last - t0, std::chrono::duration<double>{devices / rate} * 3 + 60s) << "seed " << seed;
  }
}

} // namespace
} // namespace stentor
