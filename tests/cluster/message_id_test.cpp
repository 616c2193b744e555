// SPDX-License-Identifier: Apache-2.0
#include "cluster/message_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

namespace stentor {
namespace {

std::string text_of(const message_id &id) {
  auto chars = to_chars(id);
  return {chars.data(), chars.size()};
}

TEST(message_id, reads_back_what_it_printed) {
  EXPECT_EQ(text_of({0, 0}), std::string(26, '0'));
  EXPECT_EQ(text_of({~0ull, ~0ull}), "7" + std::string(25, 'Z'));
  EXPECT_EQ(text_of({0, 1}), std::string(25, '0') + "1");
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random{seed};
    message_id id{random(), random()};
    EXPECT_EQ(message_id_from(text_of(id)), id) << "seed " << seed;
  }
}

TEST(message_id, prints_in_the_order_of_its_value) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random{seed};
    message_id a{random() % 4, random()};
    message_id b{random() % 4, random()};
    EXPECT_EQ(a < b, text_of(a) < text_of(b)) << "seed " << seed;
  }
}

TEST(message_id, rejects_everything_it_does_not_print) {
  const auto good = text_of({123456789, 987654321});
  for (int c = 0; c < 256; ++c) {
    auto text = good;
    text[20] = static_cast<char>(c);
    auto id = message_id_from(text);
    // What is taken must print the same: no two texts for one id.
    EXPECT_TRUE(!id || text_of(*id) == text) << c;
  }
  for (auto junk : {'I', 'L', 'O', 'U', 'a', ' ', '\0', '-'}) {
    auto text = good;
    text[25] = junk;
    EXPECT_EQ(message_id_from(text), std::nullopt) << int{junk};
  }
  EXPECT_EQ(message_id_from("8" + std::string(25, '0')), std::nullopt); // 129 bits
  EXPECT_EQ(message_id_from(std::string(25, '0')), std::nullopt);
  EXPECT_EQ(message_id_from(std::string(27, '0')), std::nullopt);
  EXPECT_EQ(message_id_from(""), std::nullopt);
  EXPECT_EQ(message_id_from("\xff" + std::string(25, '0')), std::nullopt);
}

TEST(message_id_source, is_sorted_by_time) {
  message_id_source source{7, 99};
  auto before = source.next(1000);
  auto after = source.next(1001);
  EXPECT_LT(before, after);
  EXPECT_EQ(before.high >> 16, 1000u);
  EXPECT_EQ(before.high & 0xffff, 7u);
}

TEST(message_id_source, never_repeats_and_never_goes_back_with_the_clock) {
  std::mt19937 random{1};
  message_id_source source{0xffff, 42};
  message_id last{};
  wall_ms now = 1'700'000'000'000;
  for (int i = 0; i < 20000; ++i) {
    now += static_cast<wall_ms>(random() % 7) - 3;
    auto id = source.next(now);
    ASSERT_LT(last, id) << i;
    last = id;
  }
}

TEST(message_id_source, keeps_its_order_whatever_the_seed) {
  for (auto seed : {0ull, 1ull, ~0ull, ~0ull - 1, 1ull << 63}) {
    message_id_source source{1, seed};
    auto last = source.next(5);
    for (int i = 0; i < 100; ++i) {
      auto id = source.next(5);
      ASSERT_LT(last, id) << "seed " << seed;
      last = id;
    }
  }
}

TEST(message_id_source, differs_from_others_by_tag) {
  message_id_source a{1, 5};
  message_id_source b{2, 5};
  std::set<message_id> all;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(all.insert(a.next(9)).second);
    EXPECT_TRUE(all.insert(b.next(9)).second);
  }
}

} // namespace
} // namespace stentor
