// SPDX-License-Identifier: Apache-2.0
#include "net/http/chunk_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stentor::net {
namespace {

/// What a body comes to, fed in pieces of `piece` bytes: the decoded bytes and '.', '+' (wants more) or '!'.
std::string decoded(std::string_view text, size_t piece = 1) {
  chunk_decoder decoder;
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece) {
    auto bytes = text.substr(at, piece);
    for (auto is_done = false; !is_done;) {
      std::string_view body;
      switch (decoder.next(bytes, body)) {
      case chunk_decoder::status::piece:
        out += body;
        decoder.take(bytes, body.size());
        break;
      case chunk_decoder::status::more:
        is_done = true;
        break;
      case chunk_decoder::status::done:
        return out + '.' + std::string{bytes};
      case chunk_decoder::status::broken:
        return out + '!';
      }
    }
  }
  return out + '+';
}

TEST(chunk_decoder, joins_chunks_and_skips_what_the_grammar_allows_beside_them) {
  for (auto body :
       {"3\r\nabc\r\n0\r\n\r\n", "1\r\na\r\n00000002\r\nbc\r\n000\r\n\r\n", "3;x\r\nabc\r\n0;last\r\n\r\n",
        "3;x=y;z\r\nabc\r\n0\r\n\r\n", "3 ; x = y\t;\tz=1\r\nabc\r\n0\r\n\r\n",
        "3;x=\"\"\r\nabc\r\n0\r\n\r\n", "3;x=\"a;b \\\" \\\\ \xff\" ;y\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nT: x\r\n\r\n", "3\r\nabc\r\n0\r\nT:\r\nX-a_b!:\t a:b \xc3\xbc \r\n\r\n"})
    for (size_t piece : {1, 2, 5, 100})
      EXPECT_EQ(decoded(body, piece), "abc.") << body << " in pieces of " << piece;
  EXPECT_EQ(decoded("0\r\n\r\nGET", 100), ".GET") << "leaves the next request";
}

TEST(chunk_decoder, survives_every_cut_of_an_empty_body) {
  // Beast 1.74 aborts where an empty body is cut behind its size line.
  std::string_view text = "0\r\n\r\n";
  for (size_t i = 0; i <= text.size(); ++i)
    for (size_t j = i; j <= text.size(); ++j) {
      chunk_decoder decoder;
      std::string_view piece;
      auto last = chunk_decoder::status::more;
      for (auto bytes : {text.substr(0, i), text.substr(i, j - i), text.substr(j)}) {
        last = decoder.next(bytes, piece);
        EXPECT_TRUE(bytes.empty());
      }
      EXPECT_EQ(last, chunk_decoder::status::done) << i << ' ' << j;
    }
}

TEST(chunk_decoder, refuses_size_lines_with_anything_else_on_them) {
  for (std::string line :
       {"3 junk",       "3 ",         "3\t",        "3x",       "3,",      "3.0",    "3 3",
        "0x3",          " 3",         "+3",         "-3",       "3;",      "3; ",    "3;;x",
        "3;=y",         "3;x=",       "3;x= ",      "3;x ",     "3;x=y ",  "3;x y",  "3;x=y z",
        "3;x=\"y",      "3;x=\"y\"z", "3;x=\"y\" ", "3;x=\"\\", "3;\"x\"", "3;x==y", "3;x\x01",
        "3;x=\"\x01\"", "3;x\xff",    "3\r",        "3;x\ry",   "",        ";x",     "G"})
    for (size_t piece : {1, 100})
      EXPECT_EQ(decoded(line + "\r\nabc\r\n0\r\n\r\n", piece), "!") << line;
}

TEST(chunk_decoder, refuses_a_bare_lf_everywhere) {
  for (auto [body, taken] : {std::pair{"3\nabc\r\n0\r\n\r\n", "!"},
                             {"3;x\nabc\r\n0\r\n\r\n", "!"},
                             {"3;x=\"\n\"\r\nabc\r\n0\r\n\r\n", "!"},
                             {"3\r\nabc\n0\r\n\r\n", "abc!"},
                             {"3\r\nabc\r\n0\n\r\n", "abc!"},
                             {"3\r\nabc\r\n0\r\n\n", "abc!"},
                             {"3\r\nabc\r\n0\r\nT: x\n\r\n", "abc!"}})
    EXPECT_EQ(decoded(body), taken) << body;
}

TEST(chunk_decoder, refuses_trailers_that_are_no_fields) {
  for (std::string line : {"no colon", "nocolon", "T", ": x", "T : x", " T: x", "\tfolded", "T\x01: x",
                           "T: \x01", "T: \x7f", "T: x\r", "T(: x"})
    EXPECT_EQ(decoded("0\r\n" + line + "\r\n\r\n"), "!") << line;
  EXPECT_EQ(decoded("0\r\nT: x\r\n folded\r\n\r\n"), "!");
}

TEST(chunk_decoder, bounds_sizes_extensions_and_trailers) {
  EXPECT_EQ(decoded("ffffffff\r\n"), "+");
  EXPECT_EQ(decoded("100000000\r\n"), "!");
  EXPECT_EQ(decoded("000000003\r\n"), "!") << "nine digits";
  EXPECT_EQ(decoded("10000000000000003\r\nabc\r\n"), "!") << "3 in 64 bits";
  auto extended = [](size_t bytes) { return "1;" + std::string(bytes - 2, 'e') + "\r\na\r\n0\r\n\r\n"; };
  EXPECT_EQ(decoded(extended(chunk_decoder::max_extension_bytes)), "a.");
  EXPECT_EQ(decoded(extended(chunk_decoder::max_extension_bytes + 1)), "!");
  auto trailed = [](size_t bytes) {
    return "0\r\nA: b\r\nT:" + std::string(bytes - 8, 't') + "\r\n\r\n"; // "A: b" and "T:" and two CR
  };
  EXPECT_EQ(decoded(trailed(chunk_decoder::max_trailer_bytes)), ".");
  EXPECT_EQ(decoded(trailed(chunk_decoder::max_trailer_bytes + 1)), "!");
}

} // namespace
} // namespace stentor::net
