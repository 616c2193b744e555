// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/session_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using namespace stentor;
using namespace stentor::actors;

namespace {

resume_token random_token(uint32_t seed) {
  std::mt19937_64 random{seed};
  resume_token token;
  token.inc = random();
  token.session = {static_cast<uint16_t>(random()), static_cast<uint32_t>(random()), random()};
  std::ranges::generate(token.secret, [&] { return static_cast<uint8_t>(random()); });
  return token;
}

void expect_same(const resume_token &a, const resume_token &b) {
  EXPECT_EQ(a.inc, b.inc);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.secret, b.secret);
}

} // namespace

TEST(resume_token, comes_back_from_its_text) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto token = random_token(seed);
    auto back = resume_token_from(to_text(token));
    ASSERT_TRUE(back);
    expect_same(*back, token);
  }
}

TEST(resume_token, comes_back_at_the_ends_of_its_ranges) {
  resume_token most{std::numeric_limits<incarnation>::max(),
                    {std::numeric_limits<uint16_t>::max(), std::numeric_limits<uint32_t>::max(),
                     std::numeric_limits<uint64_t>::max()},
                    {}};
  most.secret.fill(0xff);
  for (auto &token : {resume_token{}, most}) {
    auto back = resume_token_from(to_text(token));
    ASSERT_TRUE(back);
    expect_same(*back, token);
  }
}

TEST(resume_token, is_51_characters_that_a_url_takes_as_they_are) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    auto text = to_text(random_token(seed));
    EXPECT_EQ(text.size(), 51u);
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_';
    })) << text;
  }
}

TEST(resume_token, has_one_text_only) {
  auto text = to_text(random_token(1));
  for (size_t at = 0; at < text.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      auto other = text;
      other[at] = static_cast<char>(c);
      if (auto read = resume_token_from(other)) {
        EXPECT_EQ(to_text(*read), other) << "at " << at << " byte " << c;
      }
    }
}

TEST(resume_token, of_another_length_is_none) {
  auto text = to_text(random_token(2));
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(resume_token_from(text.substr(0, size))) << size;
  for (auto tail : {"A", "=", "AA", "AAAA"})
    EXPECT_FALSE(resume_token_from(text + tail)) << tail;
  EXPECT_FALSE(resume_token_from(std::string(1 << 20, 'A')));
}

TEST(resume_token, is_never_read_from_random_bytes_that_it_did_not_write) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937 random{seed};
    std::string junk(random() % 2 ? 51 : random() % 80, '\0');
    std::ranges::generate(junk, [&] { return static_cast<char>(random()); });
    EXPECT_FALSE(resume_token_from(junk)) << "seed " << seed;
  }
}

TEST(resume_secret, is_the_same_only_in_every_byte) {
  auto secret = random_token(3).secret;
  EXPECT_TRUE(same_secret(secret, secret));
  for (size_t i = 0; i < secret.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto other = secret;
      other[i] ^= static_cast<uint8_t>(1 << bit);
      EXPECT_FALSE(same_secret(secret, other)) << i;
    }
}
