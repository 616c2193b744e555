// SPDX-License-Identifier: Apache-2.0
// Lane items on their way to another node (docs/cluster-protocol.md): a batch is MessagePack, one array an
// item, and holds no clock reading, only how far from now a time is. Bytes of a peer are checked like any
// others: an item that does not decode ends the batch. Stateless, any thread.
#pragma once

#include "actors/delivery/lane.hpp"

#include <caf/error.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace stentor::actors {

/// Told in a link's hello. One version reads the batches of the one before it and of the one after it.
inline constexpr uint16_t wire_version = 1;

// The most that a batch may hold of anything: the highest values that the configuration takes, since two
// nodes need not agree on it while it is rolled out.
namespace wire {
inline constexpr size_t max_payload_bytes = 16 * 1024 * 1024;
inline constexpr size_t max_unconfirmed = 65536;
inline constexpr size_t max_keys = 4096;
inline constexpr size_t max_grants = 64; ///< a token names no more targets
} // namespace wire

/// What encoding and decoding know of the link.
struct wire_link {
  node_id self; ///< this node; inside it `via` of its own connections may be left empty
  incarnation own = 0;
  incarnation peer = 0;
  uint32_t link_epoch = 0;
  time_point now; ///< of this node's clock; times are told and taken relative to it
};

/// Appends `item`, which is used up. Only items that may leave a node: `route_lost` appends nothing.
/// Places and origins with `inc` 0 are told as ours, and so is an outcome's empty `by.node`.
void encode(std::string &out, lane_item &item, const wire_link &link);

/// Decodes a batch and hands each item to `take`, in order. Places and origins of the peer carry its
/// incarnation and this link's epoch, our own come back with `inc` 0, anyone else's have no link epoch.
/// `errc::malformed` or `errc::too_deep` at the first item that is none; those before it have been taken.
[[nodiscard]] caf::error decode(std::string_view batch, const wire_link &link,
                                const std::function<void(lane_item &)> &take);

} // namespace stentor::actors
