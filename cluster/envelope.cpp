// SPDX-License-Identifier: Apache-2.0
#include "cluster/envelope.hpp"

#include <algorithm>

namespace stentor {

const device_id &envelope::from_device() const noexcept {
  static const device_id none;
  return from ? from->device : none;
}

bool may_target(const envelope &e, const account_id &account) noexcept {
  if (!e.from || e.from->account == account)
    return true;
  if (!e.from->allowed)
    return false;
  auto &allowed = *e.from->allowed;
  return allowed.any_account ||
         std::find(allowed.accounts.begin(), allowed.accounts.end(), account) != allowed.accounts.end();
}

} // namespace stentor
