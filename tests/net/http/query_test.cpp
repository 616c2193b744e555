// SPDX-License-Identifier: Apache-2.0
#include "net/http/query.hpp"

#include <gtest/gtest.h>

namespace stentor::net {
namespace {

using kind = query_parameter::kind;

TEST(query_value, decodes_the_first_value_of_its_name) {
  EXPECT_EQ(query_value("a=1&token=x%2Dy&token=z", "token"), "x-y");
  EXPECT_EQ(query_value("a=1+2", "a"), "1 2");
  EXPECT_EQ(query_value("a=1%2B2", "a"), "1+2");
  EXPECT_EQ(query_value("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_value("&&x&a=1&", "a"), "1");
  EXPECT_EQ(query_value("token", "token"), "");
  EXPECT_EQ(query_value("token=%41", "token"), "A");
  EXPECT_EQ(query_value("xtoken=1&tokenx=2", "token"), std::nullopt);
  EXPECT_EQ(query_value("", "token"), std::nullopt);
  EXPECT_EQ(query_value("t=%4", "t"), std::nullopt);
  EXPECT_EQ(query_value("t=%", "t"), std::nullopt);
  EXPECT_EQ(query_value("t=%zz", "t"), std::nullopt);
}

TEST(query_value, finds_a_name_wherever_it_stands) {
  for (auto query :
       {"top=3", "top=3&x=1", "x=1&top=3", "x&top=3&top=4", "x=%zz&top=3", "stop=1&top=3", "x=top=4&top=3"})
    EXPECT_EQ(query_value(query, "top"), "3") << query;
}

TEST(query_value, tells_a_broken_value_from_none) {
  EXPECT_EQ(find_parameter("t=%zz&t=1", "t").what, kind::broken);
  EXPECT_EQ(find_parameter("t=a%00b", "t").what, kind::broken);
  EXPECT_EQ(find_parameter("t=%41%zz", "t").value, "");
  EXPECT_EQ(find_parameter("u=%zz", "t").what, kind::absent);
  EXPECT_EQ(find_parameter("t", "t").what, kind::good);
}

} // namespace
} // namespace stentor::net
