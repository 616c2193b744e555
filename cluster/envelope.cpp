// SPDX-License-Identifier: Apache-2.0
#include "cluster/envelope.hpp"

#include <algorithm>

namespace stentor {

bool may_target(const envelope &e, const account_id &account) noexcept {
  if (e.from.empty() || e.from_account == account)
    return true;
  if (!e.allowed)
    return false;
  return e.allowed->any_account || std::find(e.allowed->accounts.begin(), e.allowed->accounts.end(),
                                             account) != e.allowed->accounts.end();
}

} // namespace stentor
