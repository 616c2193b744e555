// SPDX-License-Identifier: Apache-2.0
#include "net/token.hpp"

#include "tests/net/token_fixture.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stentor::net::test {
namespace {

class token : public token_fixture {};

// -- good tokens ----

TEST_F(token, is_good_with_every_algorithm) {
  for (auto &key : {hs_key(), rs_signer(), es_signer()}) {
    const char *why = "";
    auto claims = verifier_->verify(signed_by(key), now_s, why);
    ASSERT_TRUE(claims) << key.kid << ": " << why;
    EXPECT_EQ(claims->device.str(), "phone-1");
    EXPECT_EQ(claims->account.str(), "anna");
    EXPECT_EQ(claims->expires_s, now_s + 60);
    EXPECT_EQ(claims->allowed, nullptr);
  }
}

TEST_F(token, is_good_by_an_independent_hmac) {
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":1700000001})"), "ok");
}

TEST(token_verifier, hashes_secrets_longer_than_a_block) {
  for (size_t size : {63, 64, 65, 200}) {
    std::string key(size, 'k');
    auto v = *token_verifier::make({{"", token_algorithm::hs256, key}});
    EXPECT_EQ(
        outcome_of(*v, hs_token(R"({"alg":"HS256"})", R"({"sub":"d","acc":"a","exp":1700000001})", key)),
        "ok")
        << size;
  }
}

TEST(token_verifier, uses_the_key_without_kid_for_tokens_without_kid) {
  auto v = *token_verifier::make({hs_key("")});
  EXPECT_EQ(outcome_of(*v, signed_by(hs_key(""))), "ok");
  EXPECT_EQ(outcome_of(*v, signed_by(hs_key("other"))), "key");
  auto named = *token_verifier::make({hs_key("h")});
  EXPECT_EQ(outcome_of(*named, signed_by(hs_key(""))), "key");
}

TEST_F(token, ignores_members_it_does_not_know) {
  EXPECT_EQ(
      outcome_of_claims(
          R"({"iss":"x","nested":{"sub":"evil","exp":1,"l":[[{}]]},"sub":"d","acc":"a","exp":1700000001,)"
          R"("iat":1699999999.5,"n":null,"b":true,"list":["*",1,[2]]})"),
      "ok");
  EXPECT_EQ(outcome(hs_token(R"({"x5c":["a"],"jwk":{"kty":"oct"},"alg":"HS256","kid":"h","n":1})",
                             R"({"sub":"d","acc":"a","exp":1700000001})")),
            "ok");
}

TEST_F(token, widens_targets_by_its_claim) {
  auto read = [this](std::string_view targets) {
    const char *why = "";
    return verifier_->verify(
        with_claims(R"({"sub":"d","acc":"a","exp":1700000001,"targets":)" + std::string{targets} + "}"),
        now_s, why);
  };
  EXPECT_TRUE(read(R"("*")")->allowed->any_account);
  auto some = read(R"(["b","c"])");
  ASSERT_TRUE(some);
  EXPECT_FALSE(some->allowed->any_account);
  EXPECT_EQ(some->allowed->accounts,
            (std::vector<account_id>{account_id::trusted("b"), account_id::trusted("c")}));
  EXPECT_EQ(read("[]")->allowed, nullptr);
  for (auto bad : {R"("b")", R"("")", R"({"a":1})", "1", "null", "true", R"([1])", R"([["a"]])", R"([{}])",
                   R"(["a b"])", R"([""])", R"(["*"])", R"([null])"})
    EXPECT_FALSE(read(bad)) << bad;
  auto list_of = [](size_t count) {
    std::string list = "[\"a0\"";
    for (size_t i = 1; i < count; ++i)
      list += ",\"a" + std::to_string(i) + '"';
    return list + ']';
  };
  EXPECT_EQ(read(list_of(64))->allowed->accounts.size(), 64u);
  EXPECT_FALSE(read(list_of(65)));
}

TEST_F(token, carries_the_targets_it_was_signed_with) {
  auto claims = good_claims();
  const char *why = "";
  claims.allowed = std::make_shared<const grants>(grants{false, {account_id::trusted("b")}});
  EXPECT_EQ(verifier_->verify(signed_by(hs_key(), claims), now_s, why)->allowed->accounts.size(), 1u);
  claims.allowed = std::make_shared<const grants>(grants{true, {}});
  EXPECT_TRUE(verifier_->verify(signed_by(hs_key(), claims), now_s, why)->allowed->any_account);
}

// -- claims ----

TEST_F(token, is_expired_from_its_exp_on) {
  auto text = with_claims(R"({"sub":"d","acc":"a","exp":1700000001})");
  EXPECT_EQ(outcome(text, 1'700'000'000), "ok");
  EXPECT_EQ(outcome(text, 1'700'000'001), "expired");
  EXPECT_EQ(outcome(text, 1'800'000'000), "expired");
}

TEST_F(token, is_early_more_than_5_seconds_before_its_nbf) {
  auto text = with_claims(R"({"sub":"d","acc":"a","exp":1700009999,"nbf":1700000010})");
  EXPECT_EQ(outcome(text, 1'700'000'004), "early");
  EXPECT_EQ(outcome(text, 1'700'000'005), "ok");
}

TEST_F(token, needs_an_integer_exp) {
  for (auto bad : {R"("1700000001")", "1700000001.0", "1.7e9", "-1", "-9223372036854775808", "true", "null",
                   "[1700000001]", "{}", "18446744073709551615", "9223372036854775807", "253402300800",
                   "99999999999999999999999999"})
    EXPECT_EQ(outcome_of_claims(std::string{R"({"sub":"d","acc":"a","exp":)"} + bad + "}"), "claims") << bad;
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a"})"), "claims");
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":253402300799})"), "ok");
}

TEST_F(token, needs_an_integer_nbf) {
  for (auto bad : {R"("1")", "1.5", "null", "[]"})
    EXPECT_EQ(outcome_of_claims(std::string{R"({"sub":"d","acc":"a","exp":1700000001,"nbf":)"} + bad + "}"),
              "claims")
        << bad;
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":1700000001,"nbf":9223372036854775807})"),
            "early");
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","acc":"a","exp":1700000001,"nbf":-1})"), "ok");
}

TEST_F(token, needs_good_ids) {
  std::string longest(128, 'x');
  for (std::string bad : {std::string{R"("")"}, std::string{R"("a b")"}, std::string{R"("a/b")"},
                          std::string{R"("a\u0000b")"}, std::string{R"("ä")"}, std::string{"1"},
                          std::string{"null"}, std::string{R"(["a"])"}, '"' + longest + "x\""}) {
    EXPECT_EQ(outcome_of_claims(R"({"acc":"a","exp":1700000001,"sub":)" + bad + "}"), "claims") << bad;
    EXPECT_EQ(outcome_of_claims(R"({"sub":"d","exp":1700000001,"acc":)" + bad + "}"), "claims") << bad;
  }
  EXPECT_EQ(outcome_of_claims(R"({"acc":"a","exp":1700000001})"), "claims");
  EXPECT_EQ(outcome_of_claims(R"({"sub":"d","exp":1700000001})"), "claims");
  EXPECT_EQ(outcome_of_claims(R"({"acc":"a","exp":1700000001,"sub":")" + longest + "\"}"), "ok");
}

TEST_F(token, survives_random_changes) {
  uint64_t seed = 20240607;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  auto good = R"({"sub":"d","acc":"a","exp":1700000001,"targets":["b"]})";
  size_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string claims = good, header{hs_header};
    for (auto n = 1 + random() % 3; n > 0; --n) {
      auto &part = random() % 2 == 0 ? claims : header;
      part[random() % part.size()] = static_cast<char>(random());
    }
    refused += outcome(hs_token(header, claims)) != "ok" ? 1 : 0;
  }
  EXPECT_GT(refused, 10000u);
}

// -- keys ----

TEST(token_verifier, refuses_weak_and_wrong_keys) {
  static const auto small = make_rsa(1024);
  static const auto other_curve = make_ec("P-384");
  struct {
    const char *what;
    token_algorithm algorithm;
    std::string material;
  } cases[] = {
      {"short secret", token_algorithm::hs256, std::string(31, 'x')},
      {"no secret", token_algorithm::hs256, ""},
      {"a public key as secret", token_algorithm::hs256, rsa_key().public_half},
      {"small RSA", token_algorithm::rs256, small.public_half},
      {"a curve key for RS256", token_algorithm::rs256, ec_key().public_half},
      {"an RSA key for ES256", token_algorithm::es256, rsa_key().public_half},
      {"another curve", token_algorithm::es256, other_curve.public_half},
      {"a private key", token_algorithm::rs256, rsa_key().secret_half},
      {"no PEM", token_algorithm::es256, "hello"},
      {"nothing", token_algorithm::rs256, ""},
  };
  for (auto &x : cases) {
    auto made = token_verifier::make({{"k", x.algorithm, x.material}});
    ASSERT_FALSE(made) << x.what;
    EXPECT_EQ(made.error(), errc::config) << x.what;
    auto leaks = !x.material.empty() && render(made.error()).find(x.material) != std::string::npos;
    EXPECT_FALSE(leaks) << x.what;
  }
}

TEST(token_verifier, refuses_two_keys_of_one_kid) {
  auto made = token_verifier::make({hs_key("k"), {"k", token_algorithm::es256, ec_key().public_half}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), errc::config);
}

TEST(token_verifier, refuses_everything_without_keys) {
  auto v = *token_verifier::make({});
  EXPECT_EQ(outcome_of(*v, signed_by(hs_key())), "key");
}

TEST(sign_token, refuses_keys_that_cannot_sign) {
  EXPECT_FALSE(sign_token({"r", token_algorithm::rs256, rsa_key().public_half}, good_claims(), now_s));
  EXPECT_FALSE(sign_token({"e", token_algorithm::es256, rsa_key().secret_half}, good_claims(), now_s));
  EXPECT_FALSE(sign_token({"h", token_algorithm::hs256, "short"}, good_claims(), now_s));
}

TEST(sign_token, survives_a_kid_that_is_not_text) {
  EXPECT_TRUE(sign_token({"\xff", token_algorithm::hs256, secret}, good_claims(), now_s));
}

} // namespace
} // namespace stentor::net::test
