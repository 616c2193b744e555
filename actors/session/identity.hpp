// SPDX-License-Identifier: Apache-2.0
// Who a device is, and how its upgrade request or auth frame proves it: a token, or in development mode its
// word.
#pragma once

#include "actors/core/node_context.hpp"
#include "cluster/time.hpp"
#include "net/websocket/device_socket.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace stentor::actors {

struct identity {
  std::shared_ptr<const sender> who; ///< never null
  int64_t expires_s = 0;             ///< seconds since 1970; 0 for never (development mode)
};

/// Checks a token; `why` gets a static word for metrics where it is refused.
caf::expected<identity> identity_of_token(const node_context &ctx, std::string_view token, const char *&why);

/// When a token that is valid until `expires_s` ends on the loop's clock; `time_point::max()` for never. The
/// token's clock is the wall clock: what is left of it is counted on the loop's from now on.
time_point token_end_of(int64_t expires_s, time_point now, wall_ms wall_now);

/// What an upgrade request says of its sender: an identity, nothing (an auth frame must follow), or a
/// refusal.
caf::expected<std::optional<identity>>
identity_of_request(const node_context &ctx, const net::upgrade_request &request, const char *&why);

/// Whether a browser's `Origin` may connect; requests without one come from no web page.
bool is_origin_allowed(const config &cfg, std::string_view origin);

} // namespace stentor::actors
