// SPDX-License-Identifier: Apache-2.0
#include "cluster/supersede_notices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr time_point t0{1h};

struct supersede : testing::Test {
  static supersede_notice notice(incarnation holder, const std::string &device, epoch newer) {
    return {{node_id::trusted("n" + std::to_string(holder)), holder, {0, 1, 1}, newer - 1},
            device_id::trusted(device),
            newer};
  }
  supersede_notices::work due(std::chrono::milliseconds at) {
    return notices.due(t0 + at, [this](incarnation inc) { return inc < 100 && up; });
  }
  supersede_notices notices;
  bool up = true;
};

TEST_F(supersede, sends_at_once_and_four_times_a_second_until_it_is_answered) {
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  int sent = 0;
  for (auto at = 0ms; at < 1000ms; at += 10ms)
    sent += static_cast<int>(due(at).send.size());
  EXPECT_EQ(sent, 4);
  notices.on_seen(1, device_id::trusted("d"), 10);
  EXPECT_TRUE(due(1000ms).send.empty());
  EXPECT_EQ(notices.size(), 0u);
}

TEST_F(supersede, posts_once_where_nobody_answered_for_a_second) {
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  EXPECT_TRUE(due(0ms).post.empty());
  EXPECT_TRUE(due(999ms).post.empty());
  EXPECT_EQ(due(1000ms).post.size(), 1u);
  EXPECT_TRUE(due(2000ms).post.empty());
  EXPECT_EQ(due(2250ms).send.size(), 1u) << "and goes on sending";
}

TEST_F(supersede, posts_again_what_the_directory_did_not_take) {
  up = false;
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  auto first = due(0ms).post;
  ASSERT_EQ(first.size(), 1u);
  notices.on_not_posted(first[0], t0 + 200ms);
  EXPECT_TRUE(due(1199ms).post.empty());
  EXPECT_EQ(due(1200ms).post.size(), 1u);
  EXPECT_TRUE(due(9000ms).post.empty());
  ASSERT_TRUE(notices.add(notice(1, "d", 11), t0 + 9000ms));
  EXPECT_EQ(due(9000ms).post.size(), 1u);
  notices.on_not_posted(first[0], t0 + 9001ms);
  EXPECT_TRUE(due(20000ms).post.empty()) << "a later epoch covers it";
}

TEST_F(supersede, posts_at_once_where_there_is_no_link_and_sends_when_there_is_one_again) {
  up = false;
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  auto work = due(0ms);
  EXPECT_TRUE(work.send.empty());
  EXPECT_EQ(work.post.size(), 1u);
  EXPECT_TRUE(due(500ms).post.empty());
  up = true;
  work = due(600ms);
  EXPECT_EQ(work.send.size(), 1u);
  EXPECT_TRUE(work.post.empty());
}

TEST_F(supersede, is_answered_by_a_later_epoch_and_not_by_an_earlier_one) {
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  notices.on_seen(1, device_id::trusted("d"), 9);
  notices.on_seen(2, device_id::trusted("d"), 10);
  notices.on_seen(1, device_id::trusted("e"), 10);
  EXPECT_EQ(notices.size(), 1u);
  notices.on_seen(1, device_id::trusted("d"), 11);
  EXPECT_EQ(notices.size(), 0u);
}

TEST_F(supersede, says_only_the_latest_epoch_to_a_holder) {
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  due(0ms);
  ASSERT_TRUE(notices.add(notice(1, "d", 12), t0 + 100ms));
  ASSERT_TRUE(notices.add(notice(1, "d", 11), t0 + 100ms)) << "late, and covered";
  auto work = due(100ms);
  ASSERT_EQ(work.send.size(), 1u);
  EXPECT_EQ(work.send[0].newer, 12u);
}

TEST_F(supersede, owes_a_dead_incarnation_nothing) {
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  ASSERT_TRUE(notices.add(notice(1, "e", 11), t0));
  ASSERT_TRUE(notices.add(notice(2, "f", 12), t0));
  notices.on_dead(1);
  auto work = due(0ms);
  ASSERT_EQ(work.send.size(), 1u);
  EXPECT_EQ(work.send[0].device.str(), "f");
}

TEST_F(supersede, gives_up_on_a_holder_that_never_answers) {
  up = false;
  ASSERT_TRUE(notices.add(notice(1, "d", 10), t0));
  due(29999ms);
  EXPECT_EQ(notices.size(), 1u);
  due(30000ms);
  EXPECT_EQ(notices.size(), 0u);
}

TEST_F(supersede, refuses_past_its_bound_so_that_the_caller_posts) {
  for (size_t i = 0; i < supersede_notices::most; ++i)
    ASSERT_TRUE(notices.add(notice(1, "d" + std::to_string(i), 10), t0));
  EXPECT_FALSE(notices.add(notice(1, "one too many", 10), t0));
  EXPECT_TRUE(notices.add(notice(1, "d0", 11), t0)) << "takes no more room";
  EXPECT_EQ(notices.size(), supersede_notices::most);
}

TEST_F(supersede, reaches_a_live_holder_by_one_road_or_the_other_in_any_schedule) {
  uint64_t by_link = 0, by_directory = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    supersede_notices owed;
    bool linked = random() % 2, loses = random() % 3 == 0; // a stalled link: what is sent does not arrive
    epoch latest = 0, sent = 0, posted = 0;
    auto added = t0, now = t0;
    for (int i = 0; i < 300; ++i) {
      now += std::chrono::milliseconds{random() % 60};
      if (random() % 20 == 0)
        linked = !linked;
      if (random() % 100 == 0 || latest == 0) {
        ASSERT_TRUE(owed.add(notice(1, "d", latest += 1 + random() % 3), now));
        added = now;
      }
      auto work = owed.due(now, [&](incarnation) { return linked; });
      ASSERT_TRUE(linked || work.send.empty()) << "seed " << seed;
      for (const auto &x : work.send)
        if (!loses) {
          sent = x.newer;
          if (random() % 2) // an answer may be lost, too
            owed.on_seen(1, x.device, x.newer);
        }
      for (const auto &x : work.post) {
        ASSERT_LT(posted, x.newer) << "posted twice, seed " << seed;
        posted = x.newer;
      }
      by_link += work.send.size();
      by_directory += work.post.size();
      if (now - added >= 1100ms) {
        ASSERT_EQ(std::max(sent, posted), latest) << "seed " << seed;
      }
    }
  }
  EXPECT_GT(std::min(by_link, by_directory), 1000u);
}

} // namespace
} // namespace stentor
