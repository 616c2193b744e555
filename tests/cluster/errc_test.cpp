// SPDX-License-Identifier: Apache-2.0
#include "cluster/errc.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stentor {
namespace {

constexpr auto last = errc::stale; // the newest value

TEST(errc, describes_every_value_with_a_sentence_of_its_own) {
  std::set<std::string> texts;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    auto text = to_string(static_cast<errc>(i));
    EXPECT_NE(text, "unknown error") << i;
    EXPECT_NE(text.back(), '.') << text;
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
  EXPECT_EQ(to_string(static_cast<errc>(static_cast<int>(last) + 1)), "unknown error");
}

TEST(errc, renders_the_text_an_error_carries_or_else_its_codes_sentence) {
  EXPECT_EQ(render(caf::error{}), "no error");
  EXPECT_EQ(render(make_error(errc::lease_held)), describe(errc::lease_held));
  EXPECT_EQ(render(make_error(errc::lease_held, "n1 holds it for 3 s more")), "n1 holds it for 3 s more");
  EXPECT_EQ(make_error(errc::lease_held), errc::lease_held);
}

} // namespace
} // namespace stentor
