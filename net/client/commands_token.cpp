// SPDX-License-Identifier: Apache-2.0
#include "net/client/commands.hpp"

#include "cluster/errc.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace stentor::net::client {

exit_code run_token(console &io, const token_options &what, int64_t now_s) {
  auto refuse = [&io](const std::string &text) {
    io.err << "stentorctl token: " << text << '\n';
    return exit_code::usage;
  };
  auto algorithm = token_algorithm_from(what.algorithm);
  if (!algorithm)
    return refuse("--alg must be HS256, RS256 or ES256");
  auto device = device_id::make(what.device);
  auto account = account_id::make(what.account);
  if (!device)
    return refuse("--device is not an id: 1 to 128 of A-Z a-z 0-9 . _ : @ -");
  if (!account)
    return refuse("--account is not an id: 1 to 128 of A-Z a-z 0-9 . _ : @ -");
  if (what.lifetime_s <= 0)
    return refuse("--ttl must be at least 1 second");
  if (what.lifetime_s > latest_exp_s - now_s)
    return refuse("--ttl must end by the year 9999");
  token_claims claims{std::move(*device), std::move(*account), now_s + what.lifetime_s, nullptr};
  if (!what.targets.empty()) {
    grants allowed;
    for (auto &name : what.targets) {
      auto target = account_id::make(name);
      if (name == "*")
        allowed.any_account = true;
      else if (target)
        allowed.accounts.push_back(std::move(*target));
      else
        return refuse("--targets must name accounts, or be *");
    }
    if (allowed.accounts.size() > 64)
      return refuse("--targets may name at most 64 accounts");
    claims.allowed = std::make_shared<const grants>(std::move(allowed));
  }
  auto token = sign_token({what.kid, *algorithm, what.material}, claims, now_s);
  if (!token)
    return refuse(render(token.error()));
  if (io.json)
    io.out << nlohmann::json{{"token", *token}, {"exp", claims.expires_s}}.dump() << '\n';
  else
    io.out << *token << '\n';
  return exit_code::good;
}

} // namespace stentor::net::client
