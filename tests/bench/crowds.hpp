// SPDX-License-Identifier: Apache-2.0
// The idle devices of a whole cluster: a crowd for each node, told what to do together. The owner's thread.
#pragma once

#include "tests/bench/cluster_target.hpp"
#include "tests/bench/crowd_process.hpp"
#include "tests/bench/options.hpp"

#include <caf/expected.hpp>

#include <vector>

namespace stentor::bench {

/// Crowd `i` holds the devices from `i * devices_each` on and belongs to node `i`; all other nodes are where
/// its devices go when they lose that one. Tokens are signed, nobody is connected. `source_net`: of the
/// first; each has its own.
caf::expected<std::vector<crowd_process>> gather_crowds(const options &how, const cluster_target &nodes,
                                                        uint32_t devices_each, unsigned source_net);

/// All crowds at once; returns what each says.
caf::expected<std::vector<crowd_report>> tell_all(const std::vector<crowd_process> &crowds,
                                                  crowd_command command);

/// The sums of `connected` and `tried_again`, and the longest `wait_p99_ns`.
crowd_report sum_of(const std::vector<crowd_report> &said) noexcept;

} // namespace stentor::bench
