// SPDX-License-Identifier: Apache-2.0
// Membership's hand in the directory: the one call that renews a lease may block for seconds, and membership
// must judge its peers and itself meanwhile. Detached, on a connection of its own, which no bind keeps
// waiting.
#pragma once

#include "actors/core/interfaces.hpp"

#include <memory>

namespace stentor::actors {

struct renewer_deps {
  std::shared_ptr<storage::directory> store; ///< its own timeouts bound every answer
  std::chrono::milliseconds lease{0};        ///< length of what is asked for
};

renewer_actor::behavior_type renewer(renewer_actor::pointer self, renewer_deps deps);

} // namespace stentor::actors
