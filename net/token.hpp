// SPDX-License-Identifier: Apache-2.0
// Device tokens (JWT): HS256, RS256 and ES256, keys chosen by `kid` and bound to one algorithm each. Never
// blocks; one `token_verifier` may be shared by all loops once it is built (const, no hidden state).
#pragma once

#include "cluster/envelope.hpp"
#include "cluster/ids.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

/// The end of the year 9999, seconds since 1970: no good token holds longer.
inline constexpr int64_t latest_exp_s = 253'402'300'799;

enum class token_algorithm : uint8_t { hs256, rs256, es256 };
std::optional<token_algorithm> token_algorithm_from(std::string_view text) noexcept;

/// One key of the configuration. `kid` empty: used for tokens without a `kid`.
struct token_key {
  std::string kid;
  token_algorithm algorithm = token_algorithm::hs256;
  std::string material; ///< hs256: the secret, at least 32 bytes; otherwise a PEM public key
};

/// What a good token says.
struct token_claims {
  device_id device;      ///< `sub`
  account_id account;    ///< `acc`
  int64_t expires_s = 0; ///< `exp`, seconds since 1970; always present
  std::shared_ptr<const grants>
      allowed; ///< from `targets`: "*" or an array of accounts; null: own account only
};

class token_verifier {
public:
  /// `errc::config` where a key does not parse, is too short, or two share a `kid`.
  [[nodiscard]] static caf::expected<std::shared_ptr<const token_verifier>> make(std::vector<token_key> keys);
  ~token_verifier();

  /// `errc::token_refused` for everything that is not a good token at `now_s` (seconds since 1970). `why`
  /// gets a static word for metrics (`malformed`, `algorithm`, `key`, `signature`, `expired`, `early`,
  /// `claims`), which is safe to log and is not told to the client.
  caf::expected<token_claims> verify(std::string_view token, int64_t now_s, const char *&why) const;

private:
  token_verifier();
  struct state;
  std::unique_ptr<state> state_;
};

/// A token signed with `key` (hs256 secret or PEM private key), for development and tests.
caf::expected<std::string> sign_token(const token_key &key, const token_claims &claims, int64_t issued_s);

} // namespace stentor::net
