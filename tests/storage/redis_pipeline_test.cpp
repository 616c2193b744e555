// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_pipeline.hpp"

#include <gtest/gtest.h>

namespace stentor::storage {
namespace {

TEST(redis_pipeline, writes_commands_in_the_wire_format) {
  redis_pipeline x;
  x.add({"SET", "k", ""});
  x.eval("abc", std::vector<std::string>{"k1"}, std::vector<std::string>{std::string{"a\0\r\n", 4}});
  EXPECT_EQ(x.size(), 2u);
  EXPECT_EQ(x.command(0), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  EXPECT_EQ(
      x.command(1),
      (std::string_view{"*5\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n1\r\n$2\r\nk1\r\n$4\r\na\0\r\n\r\n", 51}));
  redis_pipeline y;
  y.add_encoded(x.command(1));
  EXPECT_EQ(y.bytes(), x.command(1));
}

TEST(redis_reply, answers_a_nil_for_elements_it_does_not_have) {
  redis_reply x;
  EXPECT_TRUE(x.at(3).at(1).is_nil());
  EXPECT_EQ(x.at(0).integer, 0);
}

} // namespace
} // namespace stentor::storage
