// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node_access.hpp"

#include "cluster/errc.hpp"
#include "net/token.hpp"

#include <ctime>
#include <random>

namespace stentor::bench {

node_access node_access::tokens() {
  std::random_device random;
  std::string secret;
  while (secret.size() < 48)
    secret += "0123456789abcdef"[random() % 16];
  return node_access{std::move(secret)};
}

std::string node_access::flag() const {
  return has_tokens() ? "--token-key=bench:HS256:" + secret_ : "--dev-auth";
}

caf::expected<std::string> node_access::token(const std::string &device, const std::string &account) const {
  return sign(device, account, false);
}

caf::expected<std::string> node_access::token_to_all(const std::string &device,
                                                     const std::string &account) const {
  return sign(device, account, true);
}

caf::expected<std::string> node_access::sign(const std::string &device, const std::string &account,
                                             bool to_all) const {
  auto sub = device_id::make(device);
  auto acc = account_id::make(account);
  if (!sub || !acc)
    return make_error(errc::invalid_id);
  auto now = static_cast<int64_t>(std::time(nullptr));
  auto allowed = to_all ? std::make_shared<const grants>(grants{true, {}}) : nullptr;
  return net::sign_token({"bench", net::token_algorithm::hs256, secret_},
                         {*sub, *acc, now + 24 * 3600, std::move(allowed)}, now);
}

} // namespace stentor::bench
