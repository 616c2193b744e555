// SPDX-License-Identifier: Apache-2.0
// Keys for token tests, made by OpenSSL when first asked for, and tokens put together by hand, so that wrong
// ones can be made too.
#pragma once

#include "net/codec/base64.hpp"
#include "net/token.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>

namespace stentor::net::test {

struct pem_pair {
  std::string secret_half;
  std::string public_half;
};

inline std::string pem_text(EVP_PKEY *key, bool is_private) {
  auto out = BIO_new(BIO_s_mem());
  if (is_private)
    PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  else
    PEM_write_bio_PUBKEY(out, key);
  char *data = nullptr;
  auto size = BIO_get_mem_data(out, &data);
  std::string text{data, static_cast<size_t>(size)};
  BIO_free(out);
  return text;
}

inline pem_pair pems_of(EVP_PKEY *key) {
  pem_pair pair{pem_text(key, true), pem_text(key, false)};
  EVP_PKEY_free(key);
  return pair;
}

inline pem_pair make_rsa(unsigned bits) {
  return pems_of(EVP_RSA_gen(bits));
}
inline pem_pair make_ec(const char *curve) {
  return pems_of(EVP_EC_gen(curve));
}

inline const pem_pair &rsa_key() {
  static const auto pair = make_rsa(2048);
  return pair;
}
inline const pem_pair &ec_key() {
  static const auto pair = make_ec("P-256");
  return pair;
}

inline const std::string secret = "0123456789abcdef0123456789abcdef";
inline constexpr int64_t now_s = 1'700'000'000;

inline token_key hs_key(std::string kid = "h") {
  return {std::move(kid), token_algorithm::hs256, secret};
}
inline token_key rs_signer(std::string kid = "r") {
  return {std::move(kid), token_algorithm::rs256, rsa_key().secret_half};
}
inline token_key es_signer(std::string kid = "e") {
  return {std::move(kid), token_algorithm::es256, ec_key().secret_half};
}

/// A verifier that knows one key of each kind: "h", "r" and "e".
inline std::shared_ptr<const token_verifier> make_verifier() {
  auto made = token_verifier::make({hs_key(),
                                    {"r", token_algorithm::rs256, rsa_key().public_half},
                                    {"e", token_algorithm::es256, ec_key().public_half}});
  return made ? *made : nullptr;
}

inline token_claims good_claims() {
  return {device_id::trusted("phone-1"), account_id::trusted("anna"), now_s + 60, nullptr};
}

/// A token with any header and claims, signed with HMAC-SHA256 by OpenSSL's own call over `key`.
inline std::string hs_token(std::string_view header, std::string_view claims, std::string_view key = secret) {
  auto text =
      base64_encoded(header, base64_alphabet::url) + '.' + base64_encoded(claims, base64_alphabet::url);
  unsigned char out[EVP_MAX_MD_SIZE];
  size_t size = 0;
  EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
            reinterpret_cast<const unsigned char *>(text.data()), text.size(), out, sizeof out, &size);
  return text + '.' + base64_encoded({reinterpret_cast<char *>(out), size}, base64_alphabet::url);
}

inline constexpr std::string_view hs_header = R"({"alg":"HS256","typ":"JWT","kid":"h"})";

/// A correctly signed token with these claims.
inline std::string with_claims(std::string_view claims) {
  return hs_token(hs_header, claims);
}

} // namespace stentor::net::test
