// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/session_table.hpp"

namespace stentor::actors {

session_ref session_table::reserve() {
  auto at = all_.add({});
  return {loop_, at.index, at.generation};
}

void session_table::fill(const session_ref &ref, session_port &who, caf::strong_actor_ptr keeps_alive) {
  if (auto *found = all_.find(key_of(ref)))
    *found = {&who, std::move(keeps_alive)};
}

} // namespace stentor::actors
