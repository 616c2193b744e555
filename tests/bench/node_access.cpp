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
  auto sub = device_id::make(device);
  auto acc = account_id::make(account);
  if (!sub || !acc)
    return make_error(errc::invalid_id);
  auto now = static_cast<int64_t>(std::time(nullptr));
  return net::sign_token({"bench", net::token_algorithm::hs256, secret_}, {*sub, *acc, now + 24 * 3600, {}},
                         now);
}

} // namespace stentor::bench
