// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/outbox.hpp"

#include "actors/core/node_context.hpp"
#include "actors/delivery/links.hpp"

namespace stentor::actors {

void outbox::put(const place &to, lane_item item) {
  if (to.inc != 0 && to.inc != host_.context().inc)
    links_.put(to, std::move(item));
  else if (to.loop < outgoing_.size()) // a peer may name a loop that we do not have
    put(to.loop, std::move(item));
}

} // namespace stentor::actors
