// SPDX-License-Identifier: Apache-2.0
#include "cluster/unacked.hpp"

#include <gtest/gtest.h>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr time_point t0{1h};

/// Message number `n` with 100 bytes of payload, 5 seconds to its deadline and no ttl.
envelope_ptr message(uint64_t n, size_t bytes = 100) {
  auto e = std::make_unique<envelope>();
  e->id = {1, n};
  e->data = std::make_shared<const std::string>(bytes, 'x');
  e->deadline = t0 + 5s;
  e->expires = time_point::max();
  return e;
}

struct unacked_test : testing::Test {
  unacked list;
  limits lim;

  bool add(envelope_ptr e, time_point now = t0) {
    if (!list.has_room(*e, now, lim))
      return false;
    list.reserve(*e);
    list.add(std::move(e));
    return true;
  }
  bool add(uint64_t n) { return add(message(n)); }
  /// The numbers a resumed device would get.
  std::vector<uint64_t> resumed(time_point now = t0) {
    std::vector<uint64_t> result;
    for (const auto *e : list.in_order(now))
      result.push_back(e->id.low);
    return result;
  }
  using numbers = std::vector<uint64_t>;
};

TEST_F(unacked_test, gives_messages_back_in_the_order_written) {
  ASSERT_TRUE(add(1) && add(2) && add(3));
  EXPECT_EQ(resumed(), (numbers{1, 2, 3}));
  EXPECT_EQ(list.bytes(), 300u);
}

TEST_F(unacked_test, takes_acks_in_any_order_and_each_once) {
  ASSERT_TRUE(add(1) && add(2) && add(3));
  auto e = list.ack({1, 2});
  ASSERT_TRUE(e);
  EXPECT_EQ(e->id.low, 2u);
  EXPECT_EQ(list.ack({1, 2}), nullptr);
  EXPECT_EQ(list.ack({2, 1}), nullptr);
  EXPECT_EQ(resumed(), (numbers{1, 3}));
  EXPECT_TRUE(list.ack({1, 3}));
  EXPECT_TRUE(list.ack({1, 1}));
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.bytes(), 0u);
  EXPECT_EQ(list.ack({1, 1}), nullptr);
}

TEST_F(unacked_test, has_room_up_to_its_message_bound_with_reserved_ones_counted) {
  lim.max_unacked_messages = 3;
  ASSERT_TRUE(add(1));
  auto under_way = message(2);
  list.reserve(*under_way);
  EXPECT_TRUE(add(3));
  EXPECT_FALSE(add(4));
  list.unreserve(*under_way); // it was not written
  EXPECT_TRUE(add(4));
  EXPECT_EQ(resumed(), (numbers{1, 3, 4}));
}

TEST_F(unacked_test, has_room_up_to_its_byte_bound) {
  lim.max_unacked_bytes = 250;
  ASSERT_TRUE(add(1) && add(2));
  EXPECT_FALSE(add(3));
  EXPECT_TRUE(add(message(4, 50)));
  EXPECT_EQ(list.bytes(), 250u);
  EXPECT_TRUE(list.ack({1, 1}));
  EXPECT_TRUE(add(5));
}

TEST_F(unacked_test, keeps_a_message_past_its_deadline_for_a_resume) {
  ASSERT_TRUE(add(1));
  EXPECT_EQ(resumed(t0 + 60s), (numbers{1}));
  EXPECT_TRUE(list.ack({1, 1}));
}

TEST_F(unacked_test, does_not_write_again_what_is_past_its_ttl_but_takes_its_ack) {
  auto e = message(1);
  e->expires = t0 + 2s;
  ASSERT_TRUE(add(std::move(e)) && add(2));
  EXPECT_EQ(resumed(t0 + 2s), (numbers{2}));
  EXPECT_TRUE(list.ack({1, 1}));
}

TEST_F(unacked_test, drops_what_is_past_deadline_and_ttl) {
  auto e = message(1);
  e->expires = t0 + 9s;
  ASSERT_TRUE(add(std::move(e)) && add(2));
  EXPECT_EQ(resumed(t0 + 8s), (numbers{1, 2}));
  EXPECT_EQ(resumed(t0 + 9s), (numbers{2}));
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list.bytes(), 100u);
}

TEST_F(unacked_test, makes_room_with_the_oldest_whose_senders_were_told) {
  lim.max_unacked_messages = 3;
  auto fresh = message(2);
  fresh->deadline = t0 + 60s;
  ASSERT_TRUE(add(1) && add(std::move(fresh)) && add(3));
  EXPECT_FALSE(add(message(4), t0 + 4s));
  EXPECT_TRUE(add(message(4), t0 + 5s));
  EXPECT_EQ(resumed(t0 + 5s), (numbers{2, 3, 4}));
}

TEST_F(unacked_test, drops_nothing_for_a_message_that_never_fits) {
  lim.max_unacked_bytes = 250;
  ASSERT_TRUE(add(1) && add(2));
  EXPECT_FALSE(add(message(3, 251), t0 + 60s));
  EXPECT_EQ(resumed(t0 + 60s), (numbers{1, 2}));
}

TEST_F(unacked_test, hands_everything_over_in_order_and_is_empty_then) {
  ASSERT_TRUE(add(1) && add(2));
  auto all = list.take_all();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->id.low, 1u);
  EXPECT_EQ(all[1]->id.low, 2u);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.bytes(), 0u);
}

TEST_F(unacked_test, keeps_reserved_room_through_a_hand_over) {
  lim.max_unacked_messages = 2;
  ASSERT_TRUE(add(1));
  auto under_way = message(2);
  list.reserve(*under_way);
  EXPECT_EQ(list.take_all().size(), 1u);
  EXPECT_EQ(list.bytes(), 100u);
  EXPECT_TRUE(add(3));
  EXPECT_FALSE(add(4));
  list.add(std::move(under_way));
  EXPECT_EQ(resumed(), (numbers{3, 2}));
}

} // namespace
} // namespace stentor
