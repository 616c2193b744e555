// SPDX-License-Identifier: Apache-2.0
// What a session tells of itself to operators and auditors.
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session_services.hpp"

#include <algorithm>

namespace stentor::actors {

session_info session::info() {
  auto word = [this] {
    switch (mode_) {
    case mode::binding:
      return "binding";
    case mode::resuming:
      return "resuming";
    case mode::live:
      return "live";
    case mode::leaving:
      return "leaving";
    case mode::detached:
      return "detached";
    case mode::ended:
      return "ended";
    }
    return "ended";
  };
  auto &ctx = host().context();
  auto heard = counters().last_active_ms;
  if (link_)
    heard = std::max(heard, link_->counters().last_active_ms);
  session_info x;
  x.at = {ctx.id, ctx.inc, ref_, epoch_};
  x.account = me_->account;
  x.state = word();
  x.bound = is_bound();
  x.connected = static_cast<bool>(link_);
  x.age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(host().now() - started_at_).count();
  // One that nothing was sent to or by was heard when it connected.
  x.heard_ms = std::clamp<int64_t>(in_ms(host().now()) - heard, 0, x.age_ms);
  x.unsent = static_cast<uint32_t>(queue_length());
  x.unacked = static_cast<uint32_t>(state_.unconfirmed.size());
  x.owed = static_cast<uint32_t>(state_.owed.size());
  return x;
}

hold_word session::holds(epoch ep) const noexcept {
  switch (mode_) {
  case mode::live:
  case mode::resuming:
    return is_bound() && epoch_ == ep ? hold_word::held : hold_word::gone;
  case mode::binding: // the directory may know its epoch before it does
  case mode::leaving: // its unbind is under way
    return hold_word::in_transit;
  case mode::detached:
  case mode::ended:
    break;
  }
  return hold_word::gone;
}

} // namespace stentor::actors
