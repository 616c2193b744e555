// SPDX-License-Identifier: Apache-2.0
// Makes membership's one blocking call to the directory: renewing a lease may block for seconds, and
// membership must judge its peers and itself in the meantime. Detached, on a connection of its own, so that
// no bind delays it.
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
