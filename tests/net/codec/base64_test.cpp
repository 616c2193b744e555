// SPDX-License-Identifier: Apache-2.0
#include "net/codec/base64.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace stentor::net {
namespace {

constexpr auto standard = base64_alphabet::standard;
constexpr auto url = base64_alphabet::url;

TEST(base64, knows_the_examples_of_rfc_4648) {
  for (auto [bytes, padded, bare] : {std::tuple{"", "", ""},
                                     {"f", "Zg==", "Zg"},
                                     {"fo", "Zm8=", "Zm8"},
                                     {"foo", "Zm9v", "Zm9v"},
                                     {"foob", "Zm9vYg==", "Zm9vYg"},
                                     {"\xfb\xff\xbf", "+/+/", "-_-_"}}) {
    EXPECT_EQ(base64_encoded(bytes, standard), padded);
    EXPECT_EQ(base64_encoded(bytes, url), bare);
    EXPECT_EQ(base64_decoded(padded, standard), bytes);
    EXPECT_EQ(base64_decoded(bare, url), bytes);
  }
}

TEST(base64, returns_what_was_encoded) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    for (auto alphabet : {standard, url})
      EXPECT_EQ(base64_decoded(base64_encoded(bytes, alphabet), alphabet), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
}

TEST(base64, appends) {
  std::string out = "x";
  append_base64(out, "f");
  EXPECT_EQ(out, "xZg==");
}

TEST(base64, accepts_one_text_without_padding_of_each_value) {
  for (auto bad : {"A", "AAAAA", "AB=", "AB==", "AA==", "AAA=", "A+", "A/", "AA A", "AB", "AAB", "AA\n", "="})
    EXPECT_FALSE(base64_decoded(bad, url)) << bad;
  EXPECT_EQ(base64_decoded("AA", url), std::string(1, '\0'));
  EXPECT_EQ(base64_decoded("", url), "");
}

TEST(base64, accepts_one_text_with_padding_of_each_value) {
  for (auto bad :
       {"A",        "AA",       "AAA",      "AAAAA", "A===", "====", "=",    "==",   "AA=A",  "=AAA",
        "AAAA====", "AAAAA===", "AA==AAAA", "AB==",  "AAB=", "AA-=", "AA_=", "AA =", "AAA\n", "AA==\n"})
    EXPECT_FALSE(base64_decoded(bad, standard)) << bad;
  EXPECT_EQ(base64_decoded("AA==", standard), std::string(1, '\0'));
  EXPECT_EQ(base64_decoded("", standard), "");
}

} // namespace
} // namespace stentor::net
