// SPDX-License-Identifier: Apache-2.0
#include "cluster/lease.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr boot_time t0{1h};

struct lease : testing::Test {
  /// Turns as an idle loop does, up to and including `to`.
  lease_state turns(boot_time from, boot_time to) {
    auto state = guard.turn(from);
    for (auto now = from + 500ms; now <= to; now += 500ms)
      state = guard.turn(now);
    return state;
  }
  void renew(boot_time sent_at) { board.publish(sent_at + lim.lease, sent_at); }

  cluster_limits lim;
  lease_board board;
  lease_guard guard{board, lim};
};

TEST_F(lease, is_past_before_the_first_renewal) {
  EXPECT_NE(guard.turn(t0), lease_state::held);
  EXPECT_NE(turns(t0, t0 + 10s), lease_state::held);
}

TEST_F(lease, is_held_for_its_length_from_when_the_renewal_was_sent) {
  guard.turn(t0);
  renew(t0);
  EXPECT_EQ(turns(t0 + 500ms, t0 + 4500ms), lease_state::held);
  EXPECT_TRUE(guard.may_write(t0 + 4999ms));
  EXPECT_FALSE(guard.may_write(t0 + 5s));
  EXPECT_EQ(guard.turn(t0 + 5s), lease_state::past);
}

TEST_F(lease, takes_the_first_turn_of_all_for_no_return) {
  renew(t0);
  EXPECT_EQ(guard.turn(t0 + 100ms), lease_state::held)
      << "asked for before this loop ran, and it has nothing yet";
}

TEST_F(lease, goes_on_with_each_renewal) {
  guard.turn(t0);
  for (auto now = t0; now < t0 + 1min; now += 1s) {
    renew(now);
    ASSERT_EQ(turns(now, now + 500ms), lease_state::held);
  }
}

TEST_F(lease, does_not_let_a_loop_write_that_was_away_until_membership_asked_after_its_return) {
  guard.turn(t0);
  renew(t0);
  ASSERT_EQ(guard.turn(t0 + 1s), lease_state::held);
  EXPECT_EQ(guard.turn(t0 + 3001ms), lease_state::away);
  EXPECT_EQ(guard.turn(t0 + 3002ms), lease_state::away) << "the next turn is no answer";
  renew(t0 + 3000ms);
  EXPECT_EQ(guard.turn(t0 + 3100ms), lease_state::away) << "asked before the loop returned";
  renew(t0 + 3001ms);
  EXPECT_EQ(guard.turn(t0 + 3101ms), lease_state::held);
}

TEST_F(lease, takes_an_absence_of_the_limit_itself_for_none) {
  guard.turn(t0);
  renew(t0);
  ASSERT_EQ(guard.turn(t0 + 1s), lease_state::held);
  EXPECT_EQ(guard.turn(t0 + 3s), lease_state::held);
}

TEST_F(lease, notices_an_absence_within_a_turn) {
  guard.turn(t0);
  renew(t0);
  ASSERT_EQ(guard.turn(t0 + 1s), lease_state::held);
  EXPECT_TRUE(guard.may_write(t0 + 2900ms));
  EXPECT_FALSE(guard.may_write(t0 + 3100ms));
}

TEST_F(lease, is_not_extended_by_an_answer_that_lay_in_the_socket_while_the_process_was_frozen) {
  guard.turn(t0);
  renew(t0);
  ASSERT_EQ(guard.turn(t0 + 900ms), lease_state::held);
  EXPECT_EQ(guard.turn(t0 + 31s), lease_state::away);
  renew(t0 + 1s); // sent before the freeze, read after it
  EXPECT_NE(guard.turn(t0 + 31100ms), lease_state::held);
}

TEST_F(lease, ends_at_once_where_it_is_revoked) {
  guard.turn(t0);
  renew(t0);
  ASSERT_EQ(guard.turn(t0 + 1s), lease_state::held);
  board.revoke();
  EXPECT_EQ(guard.turn(t0 + 1001ms), lease_state::past);
}

TEST_F(lease, treats_a_clock_that_steps_back_as_absence) {
  guard.turn(t0 + 1s);
  renew(t0 + 1s);
  ASSERT_EQ(guard.turn(t0 + 2s), lease_state::held);
  EXPECT_EQ(guard.turn(t0 + 1900ms), lease_state::away);
  renew(t0 + 1900ms);
  EXPECT_EQ(guard.turn(t0 + 1950ms), lease_state::held);
}

TEST_F(lease, never_lets_a_loop_write_past_the_last_renewal_or_unasked_in_any_schedule) {
  int held = 0, away = 0, past = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    lease_board b;
    lease_guard g{b, lim};
    auto now = t0, last_turn = boot_time{}, returned = boot_time{}, sent = boot_time{};
    for (int i = 0; i < 200; ++i) {
      now += std::chrono::milliseconds{random() % (random() % 10 ? 300 : 4000)};
      if (random() % (4 + seed % 40) == 0) { // an answer to a question of some time ago
        sent = std::max(sent, now - std::chrono::milliseconds{random() % (random() % 5 ? 100 : 3000)});
        b.publish(sent + lim.lease, sent);
        continue;
      }
      if (last_turn != boot_time{} && now - last_turn > lim.away)
        returned = now;
      last_turn = now;
      auto state = g.turn(now);
      ASSERT_EQ(state == lease_state::held, sent >= returned && now < sent + lim.lease) << "seed " << seed;
      held += state == lease_state::held;
      away += state == lease_state::away;
      past += state == lease_state::past;
    }
  }
  EXPECT_GT(std::min({held, away, past}), 1000);
}

TEST(lease_board, shows_a_loop_what_membership_did_before_it_published) {
  lease_board board;
  uint64_t restored = 0; // plain: the board's order is what keeps this from being a race
  std::thread membership{[&] {
    restored = 42;
    board.publish(t0 + 5s, t0);
  }};
  std::vector<std::thread> loops;
  std::atomic<int> right{0};
  for (int i = 0; i < 2; ++i)
    loops.emplace_back([&] {
      lease_guard guard{board, cluster_limits{}};
      guard.turn(t0);
      while (!guard.may_write(t0))
        std::this_thread::yield();
      right += restored == 42;
    });
  membership.join();
  for (auto &x : loops)
    x.join();
  EXPECT_EQ(right, 2);
}

TEST(lease_board, stands_watch_over_loops_while_membership_renews) {
  lease_board board;
  std::atomic<bool> done{false};
  std::atomic<int64_t> wrong{0};
  std::thread loop{[&] {
    lease_guard guard{board, cluster_limits{}};
    for (int64_t i = 0; !done; ++i) {
      auto now = t0 + std::chrono::milliseconds{i % 1000};
      if (guard.turn(now) == lease_state::held && board.until() < t0)
        ++wrong;
    }
  }};
  for (int i = 0; i < 20000; ++i)
    board.publish(t0 + 5s + std::chrono::microseconds{i}, t0 + 2s);
  done = true;
  loop.join();
  EXPECT_EQ(wrong, 0);
}

} // namespace
} // namespace stentor
