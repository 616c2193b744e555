// SPDX-License-Identifier: Apache-2.0
#include "net/client/command_text.hpp"

#include <gtest/gtest.h>

namespace stentor::net::client {
namespace {

TEST(printable, takes_away_what_a_terminal_obeys) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a [2Jb c ");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2\xa0ok \xc3\xa4"),
            " 31m\xc2\xa0ok \xc3\xa4");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

TEST(payload_of, sends_json_as_it_is_and_other_text_as_a_string) {
  EXPECT_EQ(payload_of(R"({"a": 1})", false), R"({"a": 1})");
  EXPECT_EQ(payload_of("42", false), "42");
  EXPECT_EQ(payload_of("42", true), "\"42\"");
  EXPECT_EQ(payload_of("1e999", false), "1e999");
  auto deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(payload_of(deep, false), deep) << "the node says what is wrong with it";
  EXPECT_EQ(payload_of("say \"hi\"", false), R"("say \"hi\"")");
  EXPECT_EQ(payload_of("", false), "\"\"");
  EXPECT_EQ(payload_of("\xff", false), "\"\xef\xbf\xbd\"");
}

TEST(read_typed, knows_every_line) {
  using kind = typed_line::kind;
  for (auto &[line, what] : std::vector<std::pair<const char *, kind>>{{"", kind::nothing},
                                                                       {"  \t\r", kind::nothing},
                                                                       {"a b", kind::send},
                                                                       {"{}", kind::raw},
                                                                       {"/devices", kind::devices},
                                                                       {"/watch ", kind::watch},
                                                                       {"/unwatch", kind::unwatch},
                                                                       {"/ack 1", kind::ack},
                                                                       {"/quit\r", kind::quit},
                                                                       {"/ack", kind::wrong},
                                                                       {"/devices x", kind::wrong},
                                                                       {"/x", kind::wrong},
                                                                       {"a", kind::wrong},
                                                                       {"a/b c", kind::wrong}})
    EXPECT_EQ(read_typed(line).what, what) << line;
  auto x = read_typed("phone-1   hello  there ");
  EXPECT_EQ(x.to, "phone-1");
  EXPECT_EQ(x.text, "hello  there");
}

} // namespace
} // namespace stentor::net::client
