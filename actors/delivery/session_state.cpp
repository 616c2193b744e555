// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/session_state.hpp"

#include "net/codec/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr size_t token_bytes = 8 + 2 + 4 + 8 + 16;

template <class T>
void put(std::string &out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
}

template <class T>
T take(std::string_view &in) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = value << 8 | static_cast<uint8_t>(in[i]);
  in.remove_prefix(sizeof(T));
  return static_cast<T>(value);
}

} // namespace

std::string to_text(const resume_token &token) {
  std::string bytes;
  put(bytes, token.inc);
  put(bytes, token.session.loop);
  put(bytes, token.session.index);
  put(bytes, token.session.generation);
  bytes.append(reinterpret_cast<const char *>(token.secret.data()), token.secret.size());
  return net::base64_encoded(bytes, net::base64_alphabet::url);
}

std::optional<resume_token> resume_token_from(std::string_view text) {
  auto bytes = net::base64_decoded(text, net::base64_alphabet::url);
  if (!bytes || bytes->size() != token_bytes)
    return std::nullopt;
  std::string_view in{*bytes};
  resume_token token;
  token.inc = take<incarnation>(in);
  token.session.loop = take<uint16_t>(in);
  token.session.index = take<uint32_t>(in);
  token.session.generation = take<uint64_t>(in);
  std::copy(in.begin(), in.end(), token.secret.begin());
  return token;
}

resume_secret proof_of(const resume_secret &secret, const account_id &account) {
  std::string text{secret.begin(), secret.end()};
  text += account.str();
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const uint8_t *>(text.data()), text.size(), digest.data());
  resume_secret proof;
  std::copy_n(digest.begin(), proof.size(), proof.begin());
  return proof;
}

bool same_secret(const resume_secret &a, const resume_secret &b) noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace stentor::actors
