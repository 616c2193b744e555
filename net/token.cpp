// SPDX-License-Identifier: Apache-2.0
#include "net/token.hpp"

#include "net/codec/base64.hpp"
#include "net/signature_key.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace stentor::net {

namespace {

constexpr size_t max_token_bytes = 4096;
constexpr size_t max_depth = 16;
constexpr size_t max_targets = 64;
constexpr int64_t early_leeway_s = 5; // clocks differ; a token is used right after it was made

constexpr std::array<std::string_view, 3> algorithm_names{"HS256", "RS256", "ES256"};

std::string_view name_of(token_algorithm x) noexcept {
  return algorithm_names[static_cast<size_t>(x)];
}

// -- reading, by hand: docs/decisions/0027 ----

/// What both parts of a token have in common: one object, its members reported by name, everything bounded. A
/// member may stand once: readers differ about which of two counts, and that has been used to get past
/// checks.
template <class Derived>
class object_reader {
public:
  bool read(std::string_view text) {
    return nlohmann::json::sax_parse(text.begin(), text.end(), this) && depth_ == 0 && was_object_;
  }

  // called by the parser; false stops it
  bool null() {
    return leaf([](auto &x) { return x.on_other(); });
  }
  bool boolean(bool) { return null(); }
  bool number_integer(int64_t value) {
    return leaf([value](auto &x) { return x.on_integer(value); });
  }
  bool number_unsigned(uint64_t value) {
    if (value > static_cast<uint64_t>(INT64_MAX))
      return null();
    return number_integer(static_cast<int64_t>(value));
  }
  bool number_float(double, const std::string &) {
    return leaf([](auto &x) { return x.on_float(); });
  }
  bool string(std::string &value) {
    return leaf([&value](auto &x) { return x.on_string(value); });
  }
  bool binary(std::vector<uint8_t> &) { return false; }
  bool start_object(size_t) {
    if (depth_ == 0)
      was_object_ = true;
    else if (depth_ == 1 && !self().on_other())
      return false;
    else if (in_list_)
      return false;
    return ++depth_ <= max_depth;
  }
  bool end_object() {
    --depth_;
    return true;
  }
  bool key(const std::string &name) { return depth_ != 1 || self().on_member(name); }
  bool start_array(size_t) {
    if (depth_ == 0 || in_list_)
      return false;
    if (depth_ == 1) {
      in_list_ = self().is_list();
      if (!in_list_ && !self().on_other())
        return false;
    }
    return ++depth_ <= max_depth;
  }
  bool end_array() {
    if (--depth_ == 1)
      in_list_ = false;
    return true;
  }
  bool parse_error(size_t, const std::string &, const nlohmann::json::exception &) { return false; }

protected:
  bool in_list() const noexcept { return in_list_; }

private:
  Derived &self() noexcept { return static_cast<Derived &>(*this); }
  /// A value below the members we know belongs to one we do not, unless it is in a list we asked for.
  template <class F>
  bool leaf(F &&f) {
    if (depth_ == 0)
      return false;
    return depth_ > 1 && !in_list_ ? true : f(self());
  }
  size_t depth_ = 0;
  bool was_object_ = false;
  bool in_list_ = false;
};

/// Marks `bit` as seen; false where it was seen before.
bool once(uint32_t &seen, size_t bit) noexcept {
  auto was = seen & 1u << bit;
  seen |= 1u << bit;
  return was == 0;
}

class header_reader : public object_reader<header_reader> {
public:
  std::string alg, kid;

  bool on_member(const std::string &name) {
    static constexpr std::array<std::string_view, 2> names{"alg", "kid"};
    at_ = std::find(names.begin(), names.end(), name) - names.begin();
    // RFC 7515 section 4.1.11: extensions we do not know must not be ignored
    return name != "crit" && (at_ == 2 || once(seen_, static_cast<size_t>(at_)));
  }
  bool on_string(std::string &value) {
    if (at_ < 2)
      (at_ == 0 ? alg : kid) = std::move(value);
    return true;
  }
  bool on_other() const { return at_ == 2; }
  bool on_integer(int64_t) const { return on_other(); }
  bool on_float() const { return on_other(); }
  bool is_list() const { return false; }

private:
  std::ptrdiff_t at_ = 2;
  uint32_t seen_ = 0;
};

class claims_reader : public object_reader<claims_reader> {
public:
  std::string sub, acc;
  std::optional<int64_t> exp, nbf;
  std::optional<grants> targets;

  bool on_member(const std::string &name) {
    static constexpr std::array<std::string_view, 5> names{"sub", "acc", "exp", "nbf", "targets"};
    at_ = static_cast<member>(std::find(names.begin(), names.end(), name) - names.begin());
    return at_ == member::other || once(seen_, static_cast<size_t>(at_));
  }
  bool on_string(std::string &value) {
    if (at_ == member::sub)
      sub = std::move(value);
    else if (at_ == member::acc)
      acc = std::move(value);
    else if (at_ == member::targets)
      return on_target(value);
    else
      return at_ == member::other;
    return true;
  }
  bool on_integer(int64_t value) {
    if (at_ == member::exp)
      exp = value;
    else if (at_ == member::nbf)
      nbf = value;
    else
      return at_ == member::other;
    return true;
  }
  bool on_float() const { return on_other(); }
  bool on_other() const { return at_ == member::other; }
  bool is_list() {
    if (at_ == member::targets)
      targets.emplace();
    return at_ == member::targets;
  }

private:
  enum class member : uint8_t { sub, acc, exp, nbf, targets, other };

  bool on_target(std::string &value) {
    if (!in_list()) {
      targets.emplace();
      targets->any_account = value == "*";
      return targets->any_account;
    }
    auto account = account_id::make(value);
    if (!account || targets->accounts.size() == max_targets)
      return false;
    targets->accounts.push_back(std::move(*account));
    return true;
  }

  member at_ = member::other;
  uint32_t seen_ = 0;
};

/// Most tokens that widen the targets say "*": they share this one.
std::shared_ptr<const grants> share(std::optional<grants> targets) {
  static const auto everything = std::make_shared<const grants>(grants{true, {}});
  if (!targets || (!targets->any_account && targets->accounts.empty()))
    return nullptr;
  if (targets->any_account)
    return everything;
  return std::make_shared<const grants>(std::move(*targets));
}

} // namespace

std::optional<token_algorithm> token_algorithm_from(std::string_view text) noexcept {
  for (size_t i = 0; i < algorithm_names.size(); ++i)
    if (text == algorithm_names[i])
      return static_cast<token_algorithm>(i);
  return std::nullopt;
}

// -- verifier ----

struct token_verifier::state {
  std::map<std::string, signature_key, std::less<>> keys;
};

token_verifier::token_verifier() : state_{std::make_unique<state>()} {}
token_verifier::~token_verifier() = default;

caf::expected<std::shared_ptr<const token_verifier>> token_verifier::make(std::vector<token_key> keys) {
  auto made = std::shared_ptr<token_verifier>{new token_verifier};
  for (auto &x : keys) {
    auto named = x.kid.empty() ? std::string{"the key without kid"} : "key \"" + x.kid + "\"";
    auto key = signature_key::make(key_use::checking, x.algorithm, x.material);
    if (!key)
      return make_error(errc::config, named + ": " + render(key.error()));
    if (!made->state_->keys.try_emplace(x.kid, std::move(*key)).second)
      return make_error(errc::config, named + " is given twice");
  }
  return std::shared_ptr<const token_verifier>{std::move(made)};
}

caf::expected<token_claims> token_verifier::verify(std::string_view token, int64_t now_s,
                                                   const char *&why) const {
  auto refuse = [&why](const char *word) {
    why = word;
    return make_error(errc::token_refused);
  };
  auto first = token.find('.');
  auto second = first == token.npos ? first : token.find('.', first + 1);
  if (token.size() > max_token_bytes || second == token.npos || token.find('.', second + 1) != token.npos)
    return refuse("malformed");
  auto header_text = base64_decoded(token.substr(0, first), base64_alphabet::url);
  auto signature = base64_decoded(token.substr(second + 1), base64_alphabet::url);
  header_reader header;
  if (!header_text || !signature || !header.read(*header_text))
    return refuse("malformed");
  auto algorithm = token_algorithm_from(header.alg);
  if (!algorithm)
    return refuse("algorithm");
  auto found = state_->keys.find(header.kid);
  if (found == state_->keys.end())
    return refuse("key");
  // The key decides how it is used. What the token says may only agree.
  auto &key = found->second;
  if (*algorithm != key.algorithm())
    return refuse("algorithm");
  if (!key.check(token.substr(0, second), *signature))
    return refuse("signature");
  auto claims_text = base64_decoded(token.substr(first + 1, second - first - 1), base64_alphabet::url);
  claims_reader claims;
  if (!claims_text)
    return refuse("malformed");
  if (!claims.read(*claims_text) || !is_valid_id(claims.sub) || !is_valid_id(claims.acc) || !claims.exp ||
      *claims.exp < 0 || *claims.exp > latest_exp_s)
    return refuse("claims");
  if (now_s >= *claims.exp)
    return refuse("expired");
  if (claims.nbf && *claims.nbf > now_s + early_leeway_s)
    return refuse("early");
  return token_claims{device_id::trusted(std::move(claims.sub)), account_id::trusted(std::move(claims.acc)),
                      *claims.exp, share(std::move(claims.targets))};
}

// -- making tokens ----

caf::expected<std::string> sign_token(const token_key &key, const token_claims &claims, int64_t issued_s) {
  auto signer = signature_key::make(key_use::signing, key.algorithm, key.material);
  if (!signer)
    return signer.error();
  nlohmann::json header{{"alg", name_of(key.algorithm)}, {"typ", "JWT"}};
  if (!key.kid.empty())
    header["kid"] = key.kid;
  nlohmann::json body{{"sub", claims.device.str()},
                      {"acc", claims.account.str()},
                      {"iat", issued_s},
                      {"exp", claims.expires_s}};
  if (claims.allowed != nullptr) {
    if (claims.allowed->any_account) {
      body["targets"] = "*";
    } else {
      auto &list = body["targets"] = nlohmann::json::array();
      for (auto &x : claims.allowed->accounts)
        list.push_back(x.str());
    }
  }
  // `replace` instead of an exception where a kid is not UTF-8.
  auto encode = [](const nlohmann::json &x) {
    return base64_encoded(x.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                          base64_alphabet::url);
  };
  auto text = encode(header) + '.' + encode(body);
  auto signature = signer->sign(text);
  if (!signature)
    return signature.error();
  return text + '.' + base64_encoded(*signature, base64_alphabet::url);
}

} // namespace stentor::net
