// SPDX-License-Identifier: Apache-2.0
#include "actors/session/timetable.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

struct timetable_of_a_session : testing::Test {
  using due = timetable::due;
  limits lim;
  time_point start{1000h};
  timetable times;

  timetable_of_a_session() {
    lim.token_warning = 60s;
    lim.token_grace = 10s;
    times.start(start, 1h);
  }
  due at(duration since, bool live = true) { return times.at(start + since, live, lim); }
};

} // namespace

TEST_F(timetable_of_a_session, recycles_once_after_the_lifetime) {
  EXPECT_EQ(times.next(true, lim), start + 1h);
  EXPECT_EQ(at(1h - 1ms), due::nothing);
  EXPECT_EQ(at(1h), due::recycle);
  times.warn(goaway::recycle, start + 1h + 30s);
  EXPECT_EQ(at(1h), due::nothing);
  EXPECT_EQ(times.next(true, lim), start + 1h + 30s);
  EXPECT_EQ(at(1h + 30s), due::close);
  EXPECT_EQ(times.why(), goaway::recycle);
}

TEST_F(timetable_of_a_session, closes_at_the_earliest_of_two_ends) {
  times.wait_until(start + 20s);
  times.warn(goaway::drain, start + 30s);
  EXPECT_EQ(at(20s), due::close);
  EXPECT_EQ(times.why(), goaway::drain);
}

TEST_F(timetable_of_a_session, warns_of_the_tokens_end_before_it_and_expires_after_the_grace) {
  times.set_token_end(start + 10min);
  EXPECT_EQ(times.next(true, lim), start + 9min);
  EXPECT_EQ(at(9min - 1ms), due::nothing);
  EXPECT_EQ(at(9min), due::token_warning);
  times.warn_of_token();
  EXPECT_EQ(at(9min), due::nothing);
  EXPECT_EQ(times.next(true, lim), start + 10min + 10s);
  EXPECT_EQ(at(10min + 10s - 1ms), due::nothing);
  EXPECT_EQ(at(10min + 10s), due::token_expired);
}

TEST_F(timetable_of_a_session, a_fresh_token_is_warned_of_anew) {
  times.set_token_end(start + 10min);
  times.warn_of_token();
  times.set_token_end(start + 20min);
  EXPECT_EQ(at(10min + 10s), due::nothing);
  EXPECT_EQ(at(19min), due::token_warning);
}

TEST_F(timetable_of_a_session, a_token_without_end_is_never_due) {
  times.set_token_end(time_point::max());
  EXPECT_EQ(at(59min), due::nothing);
  EXPECT_EQ(times.next(true, lim), start + 1h);
}

TEST_F(timetable_of_a_session, an_expired_token_counts_before_its_warning) {
  times.set_token_end(start + 1min);
  EXPECT_EQ(at(2min), due::token_expired);
  EXPECT_EQ(times.token_left(start + 2min), duration::zero());
  EXPECT_EQ(times.token_left(start + 20s), 40s);
}

TEST_F(timetable_of_a_session, only_its_wait_is_due_while_it_is_not_live) {
  times.set_token_end(start + 1min);
  EXPECT_EQ(times.next(false, lim), time_point::max());
  EXPECT_EQ(at(2h, false), due::nothing);
  times.wait_until(start + 5s);
  EXPECT_EQ(times.next(false, lim), start + 5s);
  EXPECT_EQ(at(5s - 1ms, false), due::nothing);
  EXPECT_EQ(at(5s, false), due::wait_over);
  times.wait_no_longer();
  EXPECT_EQ(at(5s, false), due::nothing);
}

TEST_F(timetable_of_a_session, does_what_it_says_in_next) {
  times.set_token_end(start + 30min);
  for (int steps = 0; steps < 10; ++steps) {
    auto when = times.next(true, lim);
    ASSERT_NE(when, time_point::max());
    auto what = times.at(when, true, lim);
    ASSERT_NE(what, due::nothing) << "a timer that fires for nothing fires forever";
    if (what == due::token_warning)
      times.warn_of_token();
    else if (what == due::token_expired)
      times.set_token_end(time_point::max());
    else if (what == due::recycle)
      times.warn(goaway::recycle, when + 1s);
    else
      return;
  }
  FAIL() << "it never closed";
}
