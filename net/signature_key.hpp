// SPDX-License-Identifier: Apache-2.0
// One key of one signature algorithm over OpenSSL; by construction it cannot be used with another algorithm.
// Made once from configuration, then const and shared by all threads. Knows nothing of tokens.
#pragma once

#include "net/token.hpp"

#include <openssl/types.h>

namespace stentor::net {

/// What a key is made for.
enum class key_use : uint8_t { checking, signing };

class signature_key {
public:
  /// An hs256 secret, or a PEM key: the public one to check with, the private one to sign with.
  /// `errc::config` if it does not parse or is too weak (secrets under 32 bytes, RSA under 2,048 bits,
  /// another curve than P-256); the text never holds material.
  [[nodiscard]] static caf::expected<signature_key> make(key_use use, token_algorithm algorithm,
                                                         const std::string &material);

  token_algorithm algorithm() const noexcept { return algorithm_; }

  /// Whether `signature` (raw bytes as RFC 7518 has them) is this key's over `text`.
  bool check(std::string_view text, std::string_view signature) const;

  /// Raw signature bytes; `errc::config` where the key cannot sign.
  caf::expected<std::string> sign(std::string_view text) const;

private:
  struct free_openssl {
    void operator()(EVP_MD_CTX *x) const noexcept;
    void operator()(EVP_PKEY *x) const noexcept;
  };
  using digest = std::unique_ptr<EVP_MD_CTX, free_openssl>;

  signature_key() = default;
  caf::error take_secret(const std::string &secret);
  caf::error take_pem(const std::string &pem, bool is_private);
  bool hmac(std::string_view text, unsigned char (&out)[32]) const;
  bool check_public(std::string_view text, std::string_view der) const;

  token_algorithm algorithm_ = token_algorithm::hs256;
  /// hs256: SHA-256 after the first block of each half of HMAC, so that a check hashes the text only
  /// (docs/decisions/0024).
  digest inner_;
  digest outer_;
  std::unique_ptr<EVP_PKEY, free_openssl> pair_; ///< rs256, es256
};

} // namespace stentor::net
