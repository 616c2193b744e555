// SPDX-License-Identifier: Apache-2.0
#include "net/signature_key.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace stentor::net {

namespace {

constexpr size_t block_bytes = 64;      // of SHA-256, for HMAC
constexpr size_t min_secret_bytes = 32; // RFC 7518 section 3.2: as long as the hash
constexpr int min_rsa_bits = 2048;      // RFC 7518 section 3.3
constexpr int max_rsa_bits = 8192;      // a check's cost grows with the square
constexpr size_t es256_half = 32;       // r and s, RFC 7518 section 3.4

using bio = std::unique_ptr<BIO, decltype([](BIO *x) { BIO_free(x); })>;
using ecdsa_pair = std::unique_ptr<ECDSA_SIG, decltype([](ECDSA_SIG *x) { ECDSA_SIG_free(x); })>;

const unsigned char *bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char *>(text.data());
}

/// OpenSSL would ask the terminal for the password of an encrypted key.
int no_password(char *, int, int, void *) {
  return -1;
}

/// The DER form that OpenSSL wants of r and s; empty where they are not numbers it takes.
std::string to_der(std::string_view raw) {
  auto pair = ecdsa_pair{ECDSA_SIG_new()};
  auto r = BN_bin2bn(bytes_of(raw), es256_half, nullptr);
  auto s = BN_bin2bn(bytes_of(raw) + es256_half, es256_half, nullptr);
  if (pair == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char *der = nullptr;
  auto size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0)
    return {};
  std::string out{reinterpret_cast<char *>(der), static_cast<size_t>(size)};
  OPENSSL_free(der);
  return out;
}

std::string from_der(const std::string &der) {
  auto from = bytes_of(der);
  auto pair = ecdsa_pair{d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size()))};
  std::string raw(2 * es256_half, '\0');
  auto to = reinterpret_cast<unsigned char *>(raw.data());
  if (pair == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), to, es256_half) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), to + es256_half, es256_half) < 0)
    return {};
  return raw;
}

} // namespace

void signature_key::free_openssl::operator()(EVP_MD_CTX *x) const noexcept {
  EVP_MD_CTX_free(x);
}
void signature_key::free_openssl::operator()(EVP_PKEY *x) const noexcept {
  EVP_PKEY_free(x);
}

// -- making ----

caf::expected<signature_key> signature_key::make(key_use use, token_algorithm algorithm,
                                                 const std::string &material) {
  signature_key key;
  key.algorithm_ = algorithm;
  auto failure = algorithm == token_algorithm::hs256 ? key.take_secret(material)
                                                     : key.take_pem(material, use == key_use::signing);
  if (failure)
    return failure;
  return key;
}

caf::error signature_key::take_secret(const std::string &secret) {
  if (secret.size() < min_secret_bytes)
    return make_error(errc::config, "an HS256 secret must have at least 32 bytes");
  // Someone who puts a public key here has made a secret that everybody knows.
  if (secret.find("-----BEGIN") != std::string::npos)
    return make_error(errc::config, "an HS256 secret must not be a PEM key");
  std::array<unsigned char, block_bytes> block{};
  if (secret.size() > block.size())
    SHA256(bytes_of(secret), secret.size(), block.data());
  else
    std::memcpy(block.data(), secret.data(), secret.size());
  auto start = [&block](unsigned char mask) {
    auto padded = block;
    for (auto &x : padded)
      x ^= mask;
    auto half = digest{EVP_MD_CTX_new()};
    if (half != nullptr && (EVP_DigestInit_ex(half.get(), EVP_sha256(), nullptr) != 1 ||
                            EVP_DigestUpdate(half.get(), padded.data(), padded.size()) != 1))
      half = nullptr;
    OPENSSL_cleanse(padded.data(), padded.size());
    return half;
  };
  inner_ = start(0x36);
  outer_ = start(0x5c);
  OPENSSL_cleanse(block.data(), block.size());
  if (inner_ == nullptr || outer_ == nullptr)
    return make_error(errc::config, "SHA-256 is not available");
  return {};
}

caf::error signature_key::take_pem(const std::string &pem, bool is_private) {
  auto from = bio{BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<size_t>(pem.size(), 64 * 1024)))};
  if (from != nullptr)
    pair_.reset(is_private ? PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr)
                           : PEM_read_bio_PUBKEY(from.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (pair_ == nullptr)
    return make_error(errc::config,
                      is_private ? "not a PEM private key without a password" : "not a PEM public key");
  if (algorithm_ == token_algorithm::rs256) {
    auto bits = EVP_PKEY_get_bits(pair_.get());
    if (EVP_PKEY_is_a(pair_.get(), "RSA") != 1 || bits < min_rsa_bits || bits > max_rsa_bits)
      return make_error(errc::config, "an RS256 key must be an RSA key of 2048 to 8192 bits");
    return {};
  }
  char curve[64] = {};
  size_t size = 0;
  if (EVP_PKEY_is_a(pair_.get(), "EC") != 1 ||
      EVP_PKEY_get_group_name(pair_.get(), curve, sizeof curve, &size) != 1 ||
      std::string_view{curve, size} != "prime256v1") {
    ERR_clear_error();
    return make_error(errc::config, "an ES256 key must be an elliptic curve key on P-256");
  }
  return {};
}

// -- checking ----

bool signature_key::check(std::string_view text, std::string_view signature) const {
  switch (algorithm_) {
  case token_algorithm::hs256: {
    unsigned char expected[32];
    return signature.size() == sizeof expected && hmac(text, expected) &&
           CRYPTO_memcmp(signature.data(), expected, sizeof expected) == 0;
  }
  case token_algorithm::rs256:
    return signature.size() == static_cast<size_t>(EVP_PKEY_get_size(pair_.get())) &&
           check_public(text, signature);
  case token_algorithm::es256: {
    if (signature.size() != 2 * es256_half)
      return false;
    auto der = to_der(signature);
    return !der.empty() && check_public(text, der);
  }
  }
  return false;
}

bool signature_key::hmac(std::string_view text, unsigned char (&out)[32]) const {
  auto run = digest{EVP_MD_CTX_new()};
  return run != nullptr && EVP_MD_CTX_copy_ex(run.get(), inner_.get()) == 1 &&
         EVP_DigestUpdate(run.get(), text.data(), text.size()) == 1 &&
         EVP_DigestFinal_ex(run.get(), out, nullptr) == 1 &&
         EVP_MD_CTX_copy_ex(run.get(), outer_.get()) == 1 &&
         EVP_DigestUpdate(run.get(), out, sizeof out) == 1 &&
         EVP_DigestFinal_ex(run.get(), out, nullptr) == 1;
}

bool signature_key::check_public(std::string_view text, std::string_view der) const {
  auto run = digest{EVP_MD_CTX_new()};
  auto is_good = run != nullptr &&
                 EVP_DigestVerifyInit(run.get(), nullptr, EVP_sha256(), nullptr, pair_.get()) == 1 &&
                 EVP_DigestVerify(run.get(), bytes_of(der), der.size(), bytes_of(text), text.size()) == 1;
  if (!is_good)
    ERR_clear_error(); // what is left in the thread's queue would look like a failure of TLS
  return is_good;
}

// -- signing ----

caf::expected<std::string> signature_key::sign(std::string_view text) const {
  if (algorithm_ == token_algorithm::hs256) {
    unsigned char out[32];
    if (!hmac(text, out))
      return make_error(errc::config, "SHA-256 failed");
    return std::string{reinterpret_cast<char *>(out), sizeof out};
  }
  auto run = digest{EVP_MD_CTX_new()};
  std::string out(static_cast<size_t>(EVP_PKEY_get_size(pair_.get())), '\0');
  auto size = out.size();
  if (run == nullptr || EVP_DigestSignInit(run.get(), nullptr, EVP_sha256(), nullptr, pair_.get()) != 1 ||
      EVP_DigestSign(run.get(), reinterpret_cast<unsigned char *>(out.data()), &size, bytes_of(text),
                     text.size()) != 1) {
    ERR_clear_error();
    return make_error(errc::config, "the key cannot sign");
  }
  out.resize(size);
  return algorithm_ == token_algorithm::es256 ? from_der(out) : out;
}

} // namespace stentor::net
