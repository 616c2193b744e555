// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/open_messages.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{1000h};

open_message message(uint64_t n, incarnation told_by = 0, duration timeout = 5s) {
  return {{1, n}, std::to_string(n), want::written, start, start + timeout, told_by};
}

std::set<std::string> ids(const std::vector<open_message> &all) {
  std::set<std::string> result;
  for (auto &x : all)
    result.insert(x.client_id);
  return result;
}

using names = std::set<std::string>;

} // namespace

TEST(open_messages, are_closed_once) {
  open_messages all;
  all.add(message(1));
  all.add(message(2));
  auto closed = all.close({1, 1});
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->client_id, "1");
  EXPECT_FALSE(all.close({1, 1}));
  EXPECT_FALSE(all.close({2, 2}));
  EXPECT_EQ(all.size(), 1u);
}

TEST(open_messages, of_this_node_are_never_overdue_here) {
  open_messages all;
  all.add(message(1));
  EXPECT_EQ(all.next_due(), time_point::max());
  EXPECT_TRUE(all.take_overdue(start + 1h).empty());
  EXPECT_EQ(all.size(), 1u);
}

TEST(open_messages, of_another_node_are_overdue_a_little_after_their_deadline) {
  open_messages all;
  all.add(message(1, 7, 9s));
  all.add(message(2, 7, 5s));
  auto due = start + 5s + open_messages::patience;
  EXPECT_EQ(all.next_due(), due);
  EXPECT_TRUE(all.take_overdue(due - 1us).empty());
  EXPECT_EQ(ids(all.take_overdue(due)), names{"2"});
  EXPECT_EQ(all.next_due(), start + 9s + open_messages::patience);
  EXPECT_EQ(ids(all.take_overdue(start + 1h)), names{"1"});
  EXPECT_EQ(all.next_due(), time_point::max());
}

TEST(open_messages, leave_room_for_the_verdict_within_a_second_after_the_timeout) {
  EXPECT_LT(open_messages::patience, 1s);
}

TEST(open_messages, of_one_node_are_taken_without_those_of_another) {
  open_messages all;
  all.add(message(1, 7));
  all.add(message(2, 8));
  all.add(message(3));
  EXPECT_EQ(ids(all.take_inherited([](auto &x) { return x.told_by == 7; })), names{"1"});
  EXPECT_EQ(ids(all.take_inherited([](auto &) { return true; })), names{"2"});
  EXPECT_TRUE(all.close({1, 3}));
}

TEST(open_messages, adopt_those_of_another_session_up_to_the_bound) {
  open_messages all;
  for (size_t i = 0; i < open_messages::most - 1; ++i)
    all.add(message(i));
  EXPECT_FALSE(all.is_full());
  open_messages others;
  others.add(message(10001, 7));
  others.add(message(10002, 7));
  EXPECT_EQ(ids(all.adopt(std::move(others))), names{"10002"});
  EXPECT_TRUE(all.is_full());
  EXPECT_EQ(all.next_due(), start + 5s + open_messages::patience);
  open_messages more;
  more.add(message(10003));
  EXPECT_EQ(all.adopt(std::move(more)).size(), 1u);
  EXPECT_EQ(all.size(), open_messages::most);
}

TEST(open_messages, end_each_exactly_once_whatever_happens) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    open_messages all;
    std::map<std::string, int> ended;
    auto count = [&](const std::vector<open_message> &which) {
      for (auto &x : which)
        ++ended[x.client_id];
    };
    uint64_t made = 0;
    auto now = start;
    for (int step = 0; step < 200; ++step) {
      switch (random() % 5) {
      case 0:
      case 1:
        all.add(message(made++, random() % 4, std::chrono::milliseconds{random() % 5000}));
        break;
      case 2:
        if (auto x = all.close({1, random() % (made + 1)}))
          ++ended[x->client_id];
        break;
      case 3:
        now += std::chrono::milliseconds{random() % 300};
        count(all.take_overdue(now));
        EXPECT_GT(all.next_due(), now);
        break;
      case 4:
        count(all.take_inherited([lost = random() % 8](auto &x) { return x.told_by == lost; }));
        break;
      }
    }
    count(all.take_inherited([](auto &) { return true; }));
    EXPECT_EQ(all.next_due(), time_point::max());
    for (auto &x : all.all()) {
      EXPECT_EQ(x.told_by, 0u);
      ++ended[x.client_id];
    }
    EXPECT_EQ(ended.size(), made);
    for (auto &[id, times] : ended)
      EXPECT_EQ(times, 1) << id;
  }
}
