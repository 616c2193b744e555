// SPDX-License-Identifier: Apache-2.0
#include "net/codec/json_reader.hpp"

#include "net/codec/protocol.hpp"

#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::net;
using stentor::test::exact;

namespace {

/// The code a whole text is refused with, `none` for a good one.
errc refusal(std::string_view text) {
  exact input{text};
  std::string scratch;
  json_reader r{input, scratch};
  std::string_view raw;
  if (r.skip(raw) && r.finish())
    return errc::none;
  return r.failure().code;
}

std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

} // namespace

TEST(json_reader, takes_every_kind_of_value) {
  for (auto text : {"0", "-0", "12", "-3.25", "1e5", "1E-5", "0.5e+10", "true", "false", "null", "\"\"",
                    R"("a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00")", "\"\xc3\xa9\xf0\x9f\x98\x80\"", "[]", "{}",
                    " [ 1 , 2 ] ", "{ \"a\" : { } , \"b\" : [ { } , [ ] ] }", "\t\r\n1\n"})
    EXPECT_EQ(refusal(text), errc::none) << text;
}

TEST(json_reader, refuses_what_rfc_8259_does_not_allow) {
  for (auto text : {"",
                    " ",
                    "+1",
                    "01",
                    "-",
                    "1.",
                    ".5",
                    "1e",
                    "1e+",
                    "0x1",
                    "NaN",
                    "Infinity",
                    "tru",
                    "nul",
                    "True",
                    "'a'",
                    "\"",
                    "\"\\\"",
                    "\"a",
                    "\"\\x\"",
                    "\"\\u12g4\"",
                    "\"\\u12",
                    "\"\n\"",
                    "[",
                    "]",
                    "[1",
                    "[1,",
                    "[1,]",
                    "[,1]",
                    "[1 2]",
                    "{",
                    "}",
                    "{\"a\"",
                    "{\"a\":",
                    "{\"a\":1",
                    "{\"a\":1,",
                    "{\"a\":1,}",
                    "{a:1}",
                    "{1:1}",
                    "{\"a\" 1}",
                    "[1}",
                    "{\"a\":1]",
                    "1 1",
                    "{} x",
                    "[1]]",
                    "\xef\xbb\xbf"
                    "1",
                    "/**/1",
                    "\"a\"\"b\"",
                    ",",
                    ":"})
    EXPECT_EQ(refusal(text), errc::malformed) << text;
}

TEST(json_reader, refuses_half_a_surrogate_pair) {
  for (auto text : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800A")",
                    R"("\ud800\ud800")", R"("\udc00\ud800")", R"("\ud83d\ude0)"})
    EXPECT_EQ(refusal(text), errc::malformed) << text;
}

TEST(json_reader, refuses_strings_that_are_not_utf8) {
  for (std::string bad : {"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_EQ(refusal("\"" + bad + "\""), errc::malformed);
    EXPECT_EQ(refusal("\"0123456789abcdef0123456789" + bad + "0123456789abcdef\""), errc::malformed);
  }
}

TEST(json_reader, takes_32_levels_and_refuses_33) {
  EXPECT_EQ(refusal(nested(max_depth)), errc::none);
  EXPECT_EQ(refusal(nested(max_depth + 1)), errc::too_deep);
  EXPECT_EQ(refusal(std::string(100000, '[')), errc::too_deep);
  std::string objects;
  for (int i = 0; i < 100000; ++i)
    objects += "{\"a\":";
  EXPECT_EQ(refusal(objects), errc::too_deep);
}

TEST(json_reader, finds_a_special_character_at_every_place_of_a_string) {
  for (size_t size = 0; size < 70; ++size)
    for (size_t at = 0; at <= size; ++at) {
      std::string text(size, 'x');
      text.insert(at, "\x1f");
      EXPECT_EQ(refusal("\"" + text + "\""), errc::malformed) << size << ' ' << at;
      text.replace(at, 1, "\\\"");
      EXPECT_EQ(refusal("\"" + text + "\""), errc::none) << size << ' ' << at;
      text.replace(at, 2, "\xc3");
      EXPECT_EQ(refusal("\"" + text + "\""), errc::malformed) << size << ' ' << at;
    }
}

TEST(json_reader, gives_back_escaped_strings_that_stay_valid_while_more_are_read) {
  exact input{R"(["a\u00e9\uD83d\uDe00\n", "\u0000b", "plain", "\"\\\/\b\f\r\t"])"};
  std::string scratch;
  json_reader r{input, scratch};
  json_reader::array a;
  ASSERT_TRUE(r.enter(a));
  std::string_view texts[4];
  for (auto &text : texts) {
    ASSERT_TRUE(r.next(a));
    ASSERT_TRUE(r.read(text));
  }
  EXPECT_FALSE(r.next(a));
  EXPECT_TRUE(r.finish());
  EXPECT_EQ(texts[0], "a\xc3\xa9\xf0\x9f\x98\x80\n");
  EXPECT_EQ(texts[1], std::string_view("\0b", 2));
  EXPECT_EQ(texts[2], "plain");
  EXPECT_EQ(texts[3], "\"\\/\b\f\r\t");
}

TEST(json_reader, reads_numbers_exactly_or_says_that_they_are_beyond) {
  auto read = [](std::string_view text) {
    exact input{text};
    std::string scratch;
    json_reader r{input, scratch};
    number x;
    EXPECT_TRUE(r.read(x) && r.finish()) << text;
    return x;
  };
  EXPECT_EQ(read("18446744073709551615").u, UINT64_MAX);
  EXPECT_EQ(read("18446744073709551615").type, number::kind::natural);
  EXPECT_EQ(read("-9223372036854775808").i, INT64_MIN);
  EXPECT_EQ(read("-9223372036854775808").type, number::kind::negative);
  EXPECT_EQ(read("18446744073709551616").type, number::kind::beyond);
  EXPECT_EQ(read("-9223372036854775809").type, number::kind::beyond);
  EXPECT_EQ(read("1e400").type, number::kind::beyond);
  EXPECT_EQ(read("1.0").type, number::kind::real);
  EXPECT_EQ(read("-0").type, number::kind::real);
  EXPECT_EQ(read("0.1").d, 0.1);
}

TEST(json_reader, names_the_byte_where_it_stopped) {
  exact input{"{\"a\": tru}"};
  std::string scratch;
  json_reader r{input, scratch};
  std::string_view raw;
  EXPECT_FALSE(r.skip(raw));
  EXPECT_EQ(r.failure().offset, 6u);
}
