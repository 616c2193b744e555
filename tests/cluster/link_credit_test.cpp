// SPDX-License-Identifier: Apache-2.0
#include "cluster/link_credit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace stentor {
namespace {

constexpr auto most_bytes = link_credit::most_bytes;
constexpr auto most_messages = link_credit::most_messages;

TEST(link_credit, ends_with_its_last_byte) {
  link_credit credit;
  EXPECT_TRUE(credit.take(most_bytes - 1));
  EXPECT_FALSE(credit.take(2));
  EXPECT_EQ(credit.pending_bytes(), most_bytes - 1) << "nothing was taken";
  EXPECT_TRUE(credit.take(1));
  EXPECT_FALSE(credit.take(0 + 1));
}

TEST(link_credit, ends_with_its_last_message) {
  link_credit credit;
  for (uint64_t i = 0; i < most_messages; ++i)
    ASSERT_TRUE(credit.take(1));
  EXPECT_FALSE(credit.take(1));
  EXPECT_FALSE(credit.take(0));
  ASSERT_TRUE(credit.on_handled(1, 1));
  EXPECT_TRUE(credit.take(1));
}

TEST(link_credit, comes_back_as_the_other_side_counts) {
  link_credit credit;
  ASSERT_TRUE(credit.take(most_bytes));
  EXPECT_TRUE(credit.on_handled(most_bytes, 1));
  EXPECT_EQ(credit.pending_bytes() + credit.pending_messages(), 0u);
  EXPECT_TRUE(credit.take(most_bytes));
}

TEST(link_credit, is_not_moved_by_a_count_that_cannot_be_true) {
  link_credit credit;
  ASSERT_TRUE(credit.take(100));
  ASSERT_TRUE(credit.take(100));
  ASSERT_TRUE(credit.on_handled(100, 1));
  EXPECT_FALSE(credit.on_handled(201, 2)) << "more bytes than were sent";
  EXPECT_FALSE(credit.on_handled(200, 3)) << "more messages than were sent";
  EXPECT_FALSE(credit.on_handled(99, 1)) << "fewer than before";
  EXPECT_FALSE(credit.on_handled(100, 0));
  EXPECT_TRUE(credit.on_handled(100, 1)) << "the same again does no harm";
  EXPECT_EQ(credit.pending_bytes(), 100u);
  EXPECT_EQ(credit.pending_messages(), 1u);
}

TEST(link_credit, bounds_what_is_under_way_and_never_dries_up_in_any_schedule) {
  uint64_t refused = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    link_credit credit;
    std::deque<uint64_t> under_way;
    uint64_t handled_bytes = 0, handled = 0;
    auto size = 1 + random() % (seed % 2 ? 65536 : 1024 * 1024);
    for (int i = 0; i < 400; ++i) {
      auto bytes = 1 + random() % size;
      if (random() % 3 != 0) {
        if (credit.take(bytes))
          under_way.push_back(bytes);
        else
          ++refused;
      } else if (!under_way.empty()) {
        handled_bytes += under_way.front();
        ++handled;
        under_way.pop_front();
        if (random() % 3 == 0) { // words of credit may be left out
          ASSERT_TRUE(credit.on_handled(handled_bytes, handled)) << "seed " << seed;
        }
      }
      ASSERT_LE(credit.pending_bytes(), most_bytes) << "seed " << seed;
      ASSERT_GE(credit.pending_messages(), under_way.size()) << "seed " << seed;
    }
    for (auto bytes : under_way) {
      handled_bytes += bytes;
      ++handled;
    }
    ASSERT_TRUE(credit.on_handled(handled_bytes, handled)) << "seed " << seed;
    ASSERT_EQ(credit.pending_bytes() + credit.pending_messages(), 0u) << "seed " << seed;
  }
  EXPECT_GT(refused, 1000u);
}

TEST(link_credit, shares_what_may_wait_for_a_connection_among_the_lanes_of_a_link) {
  for (size_t loops : {1, 2, 4, 8, 16}) {
    auto lanes = loops * loops;
    link_credit credit{lanes};
    EXPECT_LE(credit.limit() * lanes, 64u * 1024 * 1024) << loops << " loops each";
    EXPECT_GE(credit.limit(), 128u * 1024);
    EXPECT_TRUE(credit.take(credit.limit()));
    EXPECT_FALSE(credit.take(1));
  }
  EXPECT_EQ(link_credit{1}.limit(), most_bytes);
  EXPECT_EQ(link_credit{1'000'000}.limit(), link_credit::least_bytes) << "a message of 64 KiB always fits";
}

/// Loops of both nodes.
class link_share_of : public testing::TestWithParam<size_t> {
protected:
  size_t loops = GetParam();
  link_share share{loops};
  std::vector<link_credit> lanes{loops, link_credit{loops * loops}};
};

TEST_P(link_share_of, all_lanes_keeps_a_burst_below_what_a_connection_may_have_unsent) {
  constexpr uint64_t size = 1024;
  for (auto &lane : lanes)
    while (share.take(lane, size)) {
    }
  uint64_t sum = 0;
  for (auto &lane : lanes)
    sum += lane.pending_bytes();
  EXPECT_EQ(sum, share.pending_bytes());
  EXPECT_LE(sum * loops, link_credit::link_bytes);
  EXPECT_GE(sum * loops, std::min<uint64_t>(loops * loops * most_bytes, link_credit::link_bytes) * 9 / 10);
}

TEST_P(link_share_of, all_lanes_has_room_for_the_greatest_message_while_little_is_told) {
  constexpr uint64_t greatest = 80 * 1024, size = 128;
  struct other_side {
    uint64_t bytes = 0, messages = 0, told = 0;
  };
  std::vector<other_side> handled(loops);
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < loops; ++i)
      while (share.take(lanes[i], size)) {
        handled[i].bytes += size;
        ++handled[i].messages;
      }
    for (size_t i = 0; i < loops; ++i) // everything is handled; a lane tells where it is much
      if (auto &x = handled[i]; x.bytes - x.told >= lanes[i].tell_bytes()) {
        ASSERT_TRUE(share.on_handled(lanes[i], x.bytes, x.messages));
        x.told = x.bytes;
      }
  }
  for (size_t i = 0; i < loops; ++i) { // as much as may be held back
    auto &x = handled[i];
    while (x.bytes + size - x.told < lanes[i].tell_bytes() && share.take(lanes[i], size))
      x.bytes += size;
  }
  for (auto &lane : lanes) {
    auto room = lane;
    auto common = share;
    EXPECT_TRUE(common.take(room, greatest));
  }
}

INSTANTIATE_TEST_SUITE_P(, link_share_of, testing::Values(1, 2, 16, 20, 32, 64, 256));

} // namespace
} // namespace stentor
