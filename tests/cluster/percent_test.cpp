// SPDX-License-Identifier: Apache-2.0
#include "cluster/percent.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace stentor {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string out = ">";
  if (!percent_decode(text, out))
    return std::nullopt;
  EXPECT_TRUE(out.starts_with('>')) << "appends";
  return out.substr(1);
}

TEST(percent, decodes_escapes_in_either_case_and_nothing_else) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("plain+text /?&="), "plain+text /?&=");
  EXPECT_EQ(decoded("%41"), "A");
  EXPECT_EQ(decoded("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(decoded("%25%34%31"), "%41") << "once";
  EXPECT_EQ(decoded("%C3%bc%ff"), "\xC3\xBC\xFF");
}

TEST(percent, refuses_broken_escapes_and_nul) {
  for (auto text : {"%", "a%", "%4", "a%4", "%zz", "%4g", "%g4", "%%41", "% 41", "%-1", "%00", "a%00b"})
    EXPECT_EQ(decoded(text), std::nullopt) << text;
}

} // namespace
} // namespace stentor
