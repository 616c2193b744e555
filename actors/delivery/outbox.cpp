// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/outbox.hpp"

#include "actors/core/node_context.hpp"
#include "actors/delivery/links.hpp"

namespace stentor::actors {

bool outbox::is_elsewhere(const place &to) const noexcept {
  return to.inc != host_.context().inc;
}

void outbox::put_on_link(const place &to, lane_item item) {
  links_.put(to, std::move(item));
}

} // namespace stentor::actors
