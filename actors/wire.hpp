// SPDX-License-Identifier: Apache-2.0
// Lane items on their way to another node: a batch is MessagePack, one array an item, and holds no clock
// reading, only what is left of a time. Bytes of a peer are checked like any others: an item that does not
// decode ends the batch. Stateless, any thread.
#pragma once

#include "actors/lane.hpp"

#include <caf/error.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace stentor::actors {

/// What encoding and decoding know of the link.
struct wire_link {
  node_id self; ///< this node; `via` of our own connections is left empty inside the node
  incarnation own = 0;
  incarnation peer = 0;
  uint32_t link_epoch = 0;
  time_point now;
};

/// Appends `item`, which is used up. Only items that may leave a node: everything but `road_lost`.
/// Places and origins with `inc` 0 are told as ours.
void encode(std::string &out, lane_item &item, const wire_link &link);

/// Decodes a batch and hands each item to `take`, in order. Places and origins of the peer carry its
/// incarnation and this link's epoch, our own come back with `inc` 0. `errc::malformed` at the first item
/// that is none; those before it have been taken.
[[nodiscard]] caf::error decode(std::string_view batch, const wire_link &link,
                                const std::function<void(lane_item &)> &take);

} // namespace stentor::actors
