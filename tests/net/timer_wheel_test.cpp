// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace stentor::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const time_point start{seconds{1000}};

/// A timer that runs a function.
struct alarm {
  std::function<void()> run;
  void fire() { run(); }
  timer_for<alarm, &alarm::fire> t{this};
};

TEST(timer_wheel, fires_at_the_first_tick_not_before_the_time) {
  for (auto delay : {milliseconds{1}, milliseconds{49}, milliseconds{50}, milliseconds{51},
                     milliseconds{25000}, milliseconds{25600}, milliseconds{25601}, milliseconds{1800000}}) {
    timer_wheel wheel{start};
    bool fired = false;
    alarm a{[&] { fired = true; }};
    wheel.schedule(a.t, start + delay);
    EXPECT_TRUE(a.t.is_armed());
    auto now = start;
    for (; !fired && now < start + delay + seconds{1}; now += milliseconds{1})
      wheel.advance(now);
    now -= milliseconds{1};
    EXPECT_TRUE(fired);
    EXPECT_FALSE(a.t.is_armed());
    EXPECT_GE(now, start + delay);
    EXPECT_LT(now, start + delay + timer_wheel::tick_length);
  }
}

TEST(timer_wheel, says_when_it_must_be_called_and_never_too_late) {
  timer_wheel wheel{start};
  EXPECT_FALSE(wheel.next_due());
  bool fired = false;
  alarm a{[&] { fired = true; }};
  wheel.schedule(a.t, start + seconds{100});
  int calls = 0;
  while (auto due = wheel.next_due()) {
    wheel.advance(*due);
    ++calls;
  }
  EXPECT_TRUE(fired);
  EXPECT_LT(calls, 10); // once a round
  wheel.schedule(a.t, start + seconds{200});
  a.t.cancel();
  EXPECT_FALSE(wheel.next_due());
}

TEST(timer_wheel, fires_each_timer_once_a_call_however_late_it_is_called) {
  timer_wheel wheel{start};
  int fired = 0;
  alarm a{{}};
  a.run = [&] {
    ++fired;
    wheel.schedule(a.t, start); // long past: due at the next tick
  };
  wheel.schedule(a.t, start + milliseconds{50});
  wheel.advance(start + seconds{3600});
  EXPECT_EQ(fired, 1);
  wheel.advance(start + seconds{3600} + milliseconds{49});
  EXPECT_EQ(fired, 1);
  wheel.advance(start + seconds{3600} + milliseconds{50});
  EXPECT_EQ(fired, 2);
}

TEST(timer_wheel, lets_a_callback_destroy_any_timer_that_is_due_with_it) {
  timer_wheel wheel{start};
  std::vector<std::unique_ptr<alarm>> alarms;
  int fired = 0;
  for (int i = 0; i < 10; ++i) {
    alarms.push_back(std::make_unique<alarm>());
    alarms.back()->run = [&] {
      ++fired;
      auto doomed = std::move(alarms); // this one too
      alarms.clear();
      doomed.clear();
    };
    wheel.schedule(alarms.back()->t, start + milliseconds{10});
  }
  wheel.advance(start + seconds{1});
  EXPECT_EQ(fired, 1);
}

TEST(timer_wheel, takes_the_end_of_time) {
  timer_wheel wheel{start};
  alarm a{[] { FAIL(); }};
  wheel.schedule(a.t, time_point::max());
  wheel.advance(start + std::chrono::hours{24 * 365});
  EXPECT_TRUE(a.t.is_armed());
}

TEST(timer_wheel, leaves_no_timer_armed_when_it_goes) {
  alarm a{[] {}};
  {
    timer_wheel wheel{start};
    wheel.schedule(a.t, start + seconds{1});
  }
  EXPECT_FALSE(a.t.is_armed());
}

/// Against a list of due times.
TEST(timer_wheel, agrees_with_a_naive_model_on_random_schedules) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  auto below = [&](int64_t n) { return std::uniform_int_distribution<int64_t>{0, n - 1}(random); };
  for (int round = 0; round < 50; ++round) {
    constexpr size_t count = 60;
    timer_wheel wheel{start};
    auto now = start;
    std::vector<std::unique_ptr<alarm>> alarms;
    std::vector<time_point> due(count, time_point::max()); // by the model; max: not armed
    std::vector<bool> fired(count);
    auto arm = [&](size_t i) {
      due[i] = now + milliseconds{below(below(3) == 0 ? 90000 : 400)};
      wheel.schedule(alarms[i]->t, due[i]);
    };
    for (size_t i = 0; i < count; ++i) {
      alarms.push_back(std::make_unique<alarm>());
      alarms[i]->run = [&, i] {
        EXPECT_NE(due[i], time_point::max()) << "fired though not armed";
        EXPECT_GE(now, due[i]) << "fired early";
        EXPECT_FALSE(fired[i]) << "fired twice";
        fired[i] = true;
        due[i] = time_point::max();
        if (below(3) == 0)
          arm(i);
        auto other = static_cast<size_t>(below(count));
        if (below(4) == 0) {
          alarms[other]->t.cancel();
          due[other] = time_point::max();
        }
      };
    }
    for (int step = 0; step < 400; ++step) {
      arm(static_cast<size_t>(below(count)));
      if (auto soonest = *std::min_element(due.begin(), due.end()); soonest != time_point::max()) {
        ASSERT_TRUE(wheel.next_due());
        ASSERT_LE(*wheel.next_due(), soonest + timer_wheel::tick_length);
      }
      now += milliseconds{below(20) == 0 ? below(60000) : below(200)};
      fired.assign(count, false);
      wheel.advance(now);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(alarms[i]->t.is_armed(), due[i] != time_point::max());
        ASSERT_FALSE(due[i] != time_point::max() && due[i] + timer_wheel::tick_length <= now && !fired[i])
            << "late";
      }
    }
  }
}

} // namespace
} // namespace stentor::net
