// SPDX-License-Identifier: Apache-2.0
#include "actors/membership/renewer.hpp"

namespace stentor::actors {

namespace {

template <class T>
caf::result<T> result_of(caf::expected<T> &&x) {
  if (x)
    return std::move(*x);
  return std::move(x.error());
}

} // namespace

renewer_actor::behavior_type renewer(renewer_actor::pointer, renewer_deps deps) {
  return {
      [deps](renew_atom, const storage::lease &mine) {
        return result_of(deps.store->renew(mine, deps.lease));
      },
      [deps](declare_dead_atom, const node_id &node, uint64_t inc) {
        return result_of(deps.store->declare_dead(node, inc));
      },
  };
}

} // namespace stentor::actors
