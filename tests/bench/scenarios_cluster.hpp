// SPDX-License-Identifier: Apache-2.0
// The scenarios of a cluster, beside those of one node in scenarios.hpp and with the same rules.
#pragma once

#include "tests/bench/scenarios.hpp"

namespace stentor::bench {

/// Device to device over two nodes, closed loop: pairs on one node against pairs with a device on each.
[[nodiscard]] caf::error run_cluster_d2d(const options &how, uint32_t window, report &out);
/// The same, open loop with `want:"written"`: how long senders wait for their verdicts.
[[nodiscard]] caf::error run_cluster_open(const options &how, double rate, report &out);
/// The first message to a device the sender's node knows nothing of: asked of its router, which asks Redis.
[[nodiscard]] caf::error run_cluster_first(const options &how, report &out);
/// Devices with tokens connect to three nodes: Redis memory each, and how fast beside the same nodes with
/// embedded directories.
[[nodiscard]] caf::error run_cluster_connect(const options &how, report &out);
/// A node of four is killed under its idle devices and beside running traffic: how long until all are back,
/// and what the traffic on the others felt of it.
[[nodiscard]] caf::error run_cluster_storm(const options &how, report &out);

} // namespace stentor::bench
