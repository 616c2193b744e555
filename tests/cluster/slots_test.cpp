// SPDX-License-Identifier: Apache-2.0
#include "cluster/slots.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace stentor {
namespace {

std::vector<slot_node> view(int nodes) {
  std::vector<slot_node> result;
  for (int i = 0; i < nodes; ++i)
    result.push_back({node_id::trusted("node-" + std::to_string(i)), static_cast<incarnation>(1000 + i)});
  return result;
}

std::map<std::string, int> shares(const slot_map &map) {
  std::map<std::string, int> result;
  for (size_t s = 0; s < slot_count; ++s)
    ++result[map.owner(static_cast<slot>(s))->node.str()];
  return result;
}

TEST(slot_of, is_the_same_for_every_node_and_version) {
  // From the xxhash library itself, not from our build of its header: another result would send old and new
  // nodes of one cluster to different routers.
  EXPECT_EQ(slot_of("device-1"), 1189);
  EXPECT_EQ(slot_of("account-1"), 3610);
  EXPECT_EQ(slot_of(""), 1218);
}

TEST(slot_of, depends_on_the_text_and_not_on_the_kind_of_id) {
  EXPECT_EQ(slot_of(device_id::trusted("x")), slot_of(account_id::trusted("x")));
}

TEST(slot_of, spreads_ids_that_differ_in_a_number_evenly) {
  std::vector<int> counts(slot_count);
  for (int i = 0; i < 100 * static_cast<int>(slot_count); ++i)
    ++counts[slot_of("device-" + std::to_string(i))];
  auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_GT(*least, 50);
  EXPECT_LT(*most, 160);
}

TEST(slot_map, has_no_owner_without_nodes) {
  EXPECT_EQ(slot_map{}.owner(0), nullptr);
  EXPECT_EQ(slot_map{std::vector<slot_node>{}}.owner(4095), nullptr);
}

TEST(slot_map, gives_a_single_node_everything) {
  slot_map map{view(1)};
  EXPECT_EQ(shares(map)["node-0"], static_cast<int>(slot_count));
}

TEST(slot_map, does_not_depend_on_the_order_of_the_view) {
  auto nodes = view(7);
  slot_map map{nodes};
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::shuffle(nodes.begin(), nodes.end(), std::mt19937{seed});
    EXPECT_TRUE(map.moved_to(slot_map{nodes}).empty()) << "seed " << seed;
  }
}

TEST(slot_map, moves_only_the_lost_nodes_slots) {
  for (int lost = 0; lost < 5; ++lost) {
    auto nodes = view(5);
    slot_map before{nodes};
    nodes.erase(nodes.begin() + lost);
    slot_map after{nodes};
    std::vector<slot> expected;
    for (size_t s = 0; s < slot_count; ++s)
      if (before.owner(static_cast<slot>(s))->node.str() == "node-" + std::to_string(lost))
        expected.push_back(static_cast<slot>(s));
    EXPECT_EQ(before.moved_to(after), expected);
    EXPECT_FALSE(expected.empty());
  }
}

TEST(slot_map, moves_slots_only_to_the_node_that_came) {
  slot_map before{view(4)};
  slot_map after{view(5)};
  auto moved = before.moved_to(after);
  EXPECT_FALSE(moved.empty());
  for (auto s : moved)
    EXPECT_EQ(after.owner(s)->node.str(), "node-4");
  EXPECT_EQ(moved.size(), static_cast<size_t>(shares(after)["node-4"]));
}

TEST(slot_map, names_all_slots_that_lose_or_find_an_owner) {
  slot_map none;
  slot_map some{view(3)};
  EXPECT_EQ(none.moved_to(some).size(), slot_count);
  EXPECT_EQ(some.moved_to(none).size(), slot_count);
  EXPECT_TRUE(none.moved_to(none).empty());
}

TEST(slot_map, takes_a_restarted_node_for_another_one) {
  auto nodes = view(3);
  slot_map before{nodes};
  auto lost = shares(before)["node-1"];
  ++nodes[1].inc;
  slot_map after{nodes};
  auto moved = before.moved_to(after);
  EXPECT_GE(moved.size(), static_cast<size_t>(lost));
  for (auto s : moved)
    EXPECT_TRUE(*before.owner(s) == view(3)[1] || *after.owner(s) == nodes[1]) << s;
}

TEST(slot_map, shares_evenly) {
  for (int n : {2, 3, 5, 16, 64}) {
    auto mean = static_cast<double>(slot_count) / n;
    // Five standard deviations of a binomial share.
    auto slack = 5 * std::sqrt(mean * (1 - 1.0 / n));
    auto map = slot_map{view(n)};
    ASSERT_EQ(shares(map).size(), static_cast<size_t>(n));
    for (const auto &[name, count] : shares(map))
      EXPECT_NEAR(count, mean, slack) << name << " of " << n;
  }
}

} // namespace
} // namespace stentor
