// SPDX-License-Identifier: Apache-2.0
// What the token tests share: one verifier and the word for what became of a token.
#pragma once

#include "tests/net/token_keys.hpp"

#include <gtest/gtest.h>

namespace stentor::net::test {

/// The word for a refusal, `ok` for a good token.
inline std::string outcome_of(const token_verifier &v, std::string_view token, int64_t now = now_s) {
  const char *why = "";
  auto claims = v.verify(token, now, why);
  if (claims)
    return "ok";
  EXPECT_EQ(claims.error(), errc::token_refused);
  return why;
}

class token_fixture : public ::testing::Test {
protected:
  std::string outcome(std::string_view text, int64_t now = now_s) {
    return outcome_of(*verifier_, text, now);
  }
  inline std::string outcome_of_claims(std::string_view claims) { return outcome(with_claims(claims)); }
  std::shared_ptr<const token_verifier> verifier_ = make_verifier();
};

inline std::string signed_by(const token_key &key, const token_claims &claims = good_claims()) {
  auto text = sign_token(key, claims, now_s);
  EXPECT_TRUE(text) << render(text.error());
  return text ? *text : "";
}

} // namespace stentor::net::test
