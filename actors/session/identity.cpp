// SPDX-License-Identifier: Apache-2.0
#include "actors/session/identity.hpp"

#include <algorithm>
#include <ctime>

namespace stentor::actors {

namespace {

constexpr std::string_view bearer = "Bearer ";

bool is_bearer(std::string_view header) {
  return header.size() > bearer.size() && std::equal(bearer.begin(), bearer.end(), header.begin(),
                                                     [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

} // namespace

caf::expected<identity> identity_of_token(const node_context &ctx, std::string_view token, const char *&why) {
  if (!ctx.tokens) {
    why = "no_keys";
    return make_error(errc::token_refused);
  }
  auto claims = ctx.tokens->verify(token, std::time(nullptr), why);
  if (!claims)
    return claims.error();
  return identity{std::make_shared<const sender>(sender{std::move(claims->device), std::move(claims->account),
                                                        std::move(claims->allowed)}),
                  claims->expires_s};
}

caf::expected<std::optional<identity>>
identity_of_request(const node_context &ctx, const net::upgrade_request &request, const char *&why) {
  auto from_token = [&](std::string_view token) -> caf::expected<std::optional<identity>> {
    auto who = identity_of_token(ctx, token, why);
    if (!who)
      return who.error();
    return std::optional<identity>{std::move(*who)};
  };
  if (is_bearer(request.authorization))
    return from_token(request.authorization.substr(bearer.size()));
  if (!request.authorization.empty()) {
    why = "malformed";
    return make_error(errc::token_refused);
  }
  if (auto token = net::query_value(request.query, "token"))
    return from_token(*token);
  auto device = net::query_value(request.query, "device");
  if (!ctx.cfg.dev_auth || !device)
    return std::optional<identity>{};
  auto account = net::query_value(request.query, "account");
  auto id = device_id::make(*device);
  auto acc = account_id::make(account ? *account : "dev");
  if (!id || !acc) {
    why = "claims";
    return make_error(errc::invalid_id);
  }
  auto who = std::make_shared<const sender>(sender{std::move(*id), std::move(*acc), nullptr});
  return std::optional<identity>{identity{std::move(who), 0}};
}

time_point token_end_of(int64_t expires_s, time_point now, wall_ms wall_now) {
  if (expires_s == 0)
    return time_point::max();
  return after(now, std::chrono::milliseconds{expires_s * 1000 - wall_now});
}

bool is_origin_allowed(const config &cfg, std::string_view origin) {
  return origin.empty() ||
         std::find(cfg.allow_origins.begin(), cfg.allow_origins.end(), origin) != cfg.allow_origins.end();
}

} // namespace stentor::actors
