// SPDX-License-Identifier: Apache-2.0
// Whether devices of a crowd can be reached, wherever they are now: a message with `want:"written"` from each
// of several nodes to each of a sample. The generator's thread, which it blocks.
#pragma once

#include "cluster/verdict.hpp"
#include "tests/bench/cluster_target.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace stentor::bench {

struct reach_result {
  uint32_t devices = 0; ///< that every message was written to, and one from another node than theirs
  std::string failure;  ///< what was said of the first message that was not written; empty while all were
};

/// `sample` devices, evenly out of `count` from number `first` on. `from`: indexes of nodes, at least two.
/// `errc::io` where a node takes no sender, or a verdict is missing after 10 s.
caf::expected<reach_result> reach(const cluster_target &nodes, const std::vector<size_t> &from,
                                  uint32_t first, uint32_t count, uint32_t sample);

/// What a device on node `from` is told of a message to `device`. `errc::io` as above.
caf::expected<verdict> verdict_of(const cluster_target &nodes, size_t from, const std::string &device);

} // namespace stentor::bench
