// SPDX-License-Identifier: Apache-2.0
#include "actors/core/generation_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

using namespace stentor::actors;

namespace {

using table = generation_table<int>;

} // namespace

TEST(generation_table, finds_what_was_added_until_it_is_taken_out) {
  table all;
  auto key = all.add(7);
  ASSERT_TRUE(all.find(key));
  EXPECT_EQ(*all.find(key), 7);
  EXPECT_EQ(all.take(key), 7);
  EXPECT_FALSE(all.take(key));
  EXPECT_FALSE(all.find(key));
  EXPECT_EQ(all.size(), 0u);
}

TEST(generation_table, an_old_key_never_finds_the_next_value_of_its_cell) {
  table all;
  auto first = all.add(1);
  all.take(first);
  auto second = all.add(2);
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_FALSE(all.find(first));
  EXPECT_FALSE(all.take(first));
  EXPECT_EQ(*all.find(second), 2);
}

TEST(generation_table, knows_no_key_that_it_did_not_give) {
  table all;
  EXPECT_FALSE(all.find({0, 0}));
  EXPECT_FALSE(all.find({0, 1}));
  auto key = all.add(1);
  all.take(key);
  EXPECT_FALSE(all.find({key.index, key.generation + 1})) << "the generation of a free cell is no key";
  EXPECT_FALSE(all.find({5, 1}));
}

TEST(generation_table, survives_the_wrap_of_its_generations) {
  generation_table<int, uint8_t> all;
  for (int i = 0; i < 1000; ++i) {
    auto key = all.add(i);
    ASSERT_NE(key.generation, 0) << i;
    ASSERT_EQ(all.take(key), i);
  }
  EXPECT_EQ(all.cells(), 1u);
}

TEST(generation_table, keeps_nothing_of_what_was_taken_out) {
  generation_table<std::shared_ptr<int>> all;
  auto what = std::make_shared<int>(1);
  all.take(all.add(what));
  EXPECT_EQ(what.use_count(), 1);
}

TEST(generation_table, shows_its_cells_in_use) {
  table all;
  auto a = all.add(1);
  all.add(2);
  all.take(a);
  ASSERT_EQ(all.cells(), 2u);
  EXPECT_FALSE(all.at(a.index));
  EXPECT_FALSE(all.key_at(a.index));
  EXPECT_EQ(*all.at(1), 2);
  EXPECT_EQ(all.take(*all.key_at(1)), 2);
}

TEST(generation_table, a_number_and_a_key_are_the_same) {
  table all;
  for (int i = 0; i < 3; ++i) {
    auto key = all.add(i);
    EXPECT_NE(number_of(key), 0u);
    EXPECT_EQ(*all.find(key_of(number_of(key))), i);
  }
}

TEST(generation_table, agrees_with_a_map_on_any_schedule) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random{seed};
    table all;
    std::map<uint64_t, int> model;
    std::set<uint64_t> gone;
    for (int step = 0; step < 500; ++step) {
      if (model.empty() || random() % 2 == 0) {
        auto number = number_of(all.add(step));
        ASSERT_FALSE(gone.contains(number)) << "seed " << seed;
        ASSERT_TRUE(model.emplace(number, step).second) << "seed " << seed;
      } else {
        auto i = std::next(model.begin(), static_cast<long>(random() % model.size()));
        ASSERT_EQ(all.take(key_of(i->first)), i->second) << "seed " << seed;
        gone.insert(i->first);
        model.erase(i);
      }
      ASSERT_EQ(all.size(), model.size()) << "seed " << seed;
      for (auto x : gone)
        ASSERT_FALSE(all.find(key_of(x))) << "seed " << seed;
    }
  }
}
