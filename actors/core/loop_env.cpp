// SPDX-License-Identifier: Apache-2.0
#include "actors/core/loop_env.hpp"

#include "actors/core/node_context.hpp"

namespace stentor::actors {

loop_env::loop_env(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io,
                   hosted_list &actors)
    : caf::execution_unit{&ctx.sys}, ctx_{ctx}, io_{std::move(io)}, lim_{ctx.lim()}, index_{index},
      counters_{ctx.metrics->loop(index)}, random_{std::random_device{}()}, actors_{actors} {}

loop_env::~loop_env() = default;

} // namespace stentor::actors
