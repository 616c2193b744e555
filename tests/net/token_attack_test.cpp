// SPDX-License-Identifier: Apache-2.0
// Tokens made by somebody who wants in: every one is refused, with the right word for it.
#include "net/token.hpp"

#include "tests/net/token_fixture.hpp"

namespace stentor::net::test {
namespace {

class token_attack : public token_fixture {};

/// `text` with its third part replaced.
std::string with_signature(const std::string &text, std::string_view raw) {
  return text.substr(0, text.rfind('.') + 1) + base64_encoded(raw, base64_alphabet::url);
}

// -- attacks on the signature ----

TEST_F(token_attack, is_refused_without_an_algorithm) {
  auto claims = R"({"sub":"d","acc":"a","exp":1700000001})";
  for (auto alg :
       {"none", "None", "NONE", "nOnE", "", "HS512", "HS384", "RS512", "PS256", "hs256", "HS256 "}) {
    auto header = std::string{R"({"kid":"h","alg":")"} + alg + "\"}";
    EXPECT_EQ(outcome(hs_token(header, claims)), "algorithm") << alg;
    auto unsigned_token = base64_encoded(header, base64_alphabet::url) + '.' +
                          base64_encoded(claims, base64_alphabet::url) + '.';
    EXPECT_EQ(outcome(unsigned_token), "algorithm") << alg;
  }
  EXPECT_EQ(outcome(hs_token(R"({"kid":"h"})", claims)), "algorithm");
}

TEST_F(token_attack, cannot_use_a_public_key_as_secret) {
  auto claims = R"({"sub":"d","acc":"a","exp":1700000001})";
  EXPECT_EQ(outcome(hs_token(R"({"alg":"HS256","kid":"r"})", claims, rsa_key().public_half)), "algorithm");
  EXPECT_EQ(outcome(hs_token(R"({"alg":"RS256","kid":"r"})", claims, rsa_key().public_half)), "signature");
  EXPECT_EQ(outcome(hs_token(R"({"alg":"HS256","kid":"e"})", claims, ec_key().public_half)), "algorithm");
}

TEST_F(token_attack, cannot_use_a_key_with_another_algorithm) {
  auto renamed = [](token_key key, std::string kid) {
    key.kid = std::move(kid);
    return signed_by(key);
  };
  EXPECT_EQ(outcome(renamed(rs_signer(), "e")), "algorithm");
  EXPECT_EQ(outcome(renamed(es_signer(), "r")), "algorithm");
  EXPECT_EQ(outcome(renamed(hs_key(), "r")), "algorithm");
  EXPECT_EQ(outcome(renamed(rs_signer(), "h")), "algorithm");
}

TEST_F(token_attack, is_refused_with_an_unknown_kid) {
  EXPECT_EQ(outcome(signed_by(hs_key("nobody"))), "key");
  EXPECT_EQ(outcome(signed_by(hs_key("H"))), "key");
  EXPECT_EQ(outcome(signed_by(hs_key("../h"))), "key");
}

TEST_F(token_attack, is_refused_with_the_signature_of_another) {
  for (auto &key : {hs_key(), rs_signer(), es_signer()}) {
    auto other = good_claims();
    other.device = device_id::trusted("phone-2");
    auto mine = signed_by(key), theirs = signed_by(key, other);
    EXPECT_EQ(outcome(mine.substr(0, mine.rfind('.')) + theirs.substr(theirs.rfind('.'))), "signature")
        << key.kid;
  }
  auto foreign = make_ec("P-256");
  EXPECT_EQ(outcome(signed_by({"e", token_algorithm::es256, foreign.secret_half})), "signature");
}

TEST_F(token_attack, is_refused_with_a_signature_of_the_wrong_form) {
  auto es = signed_by(es_signer());
  std::string zeros(64, '\0');
  EXPECT_EQ(outcome(with_signature(es, zeros)), "signature") << "r and s are 0 (CVE-2022-21449)";
  EXPECT_EQ(outcome(with_signature(es, "")), "signature");
  EXPECT_EQ(outcome(with_signature(es, std::string(64, '\xff'))), "signature");
  auto raw = *base64_decoded(es.substr(es.rfind('.') + 1), base64_alphabet::url);
  ASSERT_EQ(raw.size(), 64u);
  EXPECT_EQ(outcome(with_signature(es, raw.substr(0, 63))), "signature");
  EXPECT_EQ(outcome(with_signature(es, raw + '\0')), "signature");
  EXPECT_EQ(outcome(with_signature(es, raw)), "ok");
  for (auto &key : {hs_key(), rs_signer()}) {
    auto text = signed_by(key);
    auto good = *base64_decoded(text.substr(text.rfind('.') + 1), base64_alphabet::url);
    EXPECT_EQ(outcome(with_signature(text, "")), "signature");
    EXPECT_EQ(outcome(with_signature(text, good.substr(1))), "signature");
    EXPECT_EQ(outcome(with_signature(text, good + "x")), "signature");
    EXPECT_EQ(outcome(with_signature(text, '\0' + good)), "signature");
  }
}

TEST_F(token_attack, is_refused_with_any_bit_changed) {
  for (auto &key : {hs_key(), rs_signer(), es_signer()}) {
    auto text = signed_by(key);
    for (size_t i = 0; i < text.size(); ++i) {
      auto changed = text;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(outcome(changed), "ok") << key.kid << " at " << i;
    }
  }
}

// -- attacks on the form ----

TEST_F(token_attack, is_refused_at_every_truncation) {
  auto text = signed_by(hs_key());
  for (size_t i = 0; i < text.size(); ++i)
    EXPECT_NE(outcome(text.substr(0, i)), "ok") << i;
}

TEST_F(token_attack, is_refused_with_more_or_fewer_parts) {
  auto text = signed_by(hs_key());
  for (auto &bad : {text + ".", text + ".e30", "." + text, std::string{}, std::string{"."}, std::string{".."},
                    std::string{"..."}, std::string{"a.b.c"}, text.substr(text.find('.') + 1)})
    EXPECT_EQ(outcome(bad), "malformed") << bad;
}

TEST_F(token_attack, is_refused_with_padding_or_white_space) {
  auto text = signed_by(hs_key());
  for (auto &bad : {text + "=", text + "==", text + " ", " " + text, text + "\n", text + '\0'})
    EXPECT_EQ(outcome(bad), "malformed");
  auto padded = text;
  padded.insert(padded.find('.'), "=");
  EXPECT_EQ(outcome(padded), "malformed");
}

TEST_F(token_attack, is_refused_above_4096_bytes) {
  auto filled = [](size_t filler) {
    return with_claims(R"({"sub":"d","acc":"a","exp":1700000001,"x":")" + std::string(filler, 'x') + "\"}");
  };
  size_t filler = 2000;
  while (filled(filler + 1).size() <= 4096)
    ++filler;
  EXPECT_EQ(outcome(filled(filler)), "ok");
  EXPECT_EQ(outcome(filled(filler + 1)), "malformed");
  EXPECT_EQ(outcome(std::string(1 << 24, '.')), "malformed");
}

TEST_F(token_attack, is_refused_with_members_standing_twice) {
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","sub":"e","acc":"a","exp":1700000001})"), "claims");
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":1700000001,"exp":1800000001})"), "claims");
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":1700000001,"nbf":1,"n\u0062f":1})"), "claims");
  auto claims = R"({"sub":"d","acc":"a","exp":1700000001})";
  EXPECT_EQ(outcome(hs_token(R"({"alg":"HS256","alg":"HS256","kid":"h"})", claims)), "malformed");
  EXPECT_EQ(outcome(hs_token(R"({"alg":"HS256","kid":"x","kid":"h"})", claims)), "malformed");
}

TEST_F(token_attack, is_refused_with_critical_extensions) {
  EXPECT_EQ(outcome(hs_token(R"({"alg":"HS256","kid":"h","crit":["b64"],"b64":false})",
                             R"({"sub":"d","acc":"a","exp":1700000001})")),
            "malformed");
}

TEST_F(token_attack, is_refused_where_a_part_is_not_one_object) {
  auto claims = R"({"sub":"d","acc":"a","exp":1700000001})";
  for (std::string bad :
       {"", "null", "1", "\"x\"", "[]", "[{}]", "{", "}", "{}{}", R"({"alg":"HS256","kid":"h"} x)",
        R"({"alg":"HS256","kid":"h")", R"({"alg":["HS256"],"kid":"h"})", R"({"alg":"HS256","kid":1})",
        R"({"alg":"HS256","kid":{}})", R"({"alg":null,"kid":"h"})", "{\"alg\":\"HS256\",\"kid\":\"h\xff\"}"})
    EXPECT_EQ(outcome(hs_token(bad, claims)), "malformed") << bad;
  for (std::string bad : {"", "null", "1", "[]", "[[]]", "{", "{}{}", "{\"sub\":\"\xc3\"}"})
    EXPECT_EQ(outcome_of_claims(bad), "claims") << bad;
}

TEST_F(token_attack, is_refused_when_nested_too_deep) {
  auto nested = [](size_t depth) {
    return R"({"sub":"d","acc":"a","exp":1700000001,"x":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  EXPECT_EQ(outcome_of_claims(nested(15)), "ok");
  EXPECT_EQ(outcome_of_claims(nested(16)), "claims");
  EXPECT_EQ(outcome_of_claims(nested(1400)), "claims");
}

} // namespace
} // namespace stentor::net::test
