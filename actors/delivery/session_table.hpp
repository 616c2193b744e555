// SPDX-License-Identifier: Apache-2.0
// A loop's sessions by index and generation, a pair that is never used again: a reference to a session that
// ended finds nothing, never another device's session. Confined to its loop.
#pragma once

#include "actors/core/generation_table.hpp"
#include "actors/core/hosted_actor.hpp"
#include "actors/delivery/ports.hpp"
#include "cluster/ids.hpp"

#include <cstdint>
#include <vector>

namespace stentor::actors {

class session_table {
public:
  explicit session_table(uint16_t loop) : loop_{loop} {}

  /// Reserves a cell; `fill` must follow before anybody looks.
  session_ref reserve();
  /// `keeps_alive` until `erase`.
  void fill(const session_ref &ref, session_port &who, caf::strong_actor_ptr keeps_alive);
  /// Null once the session has ended.
  session_port *find(const session_ref &ref) const noexcept {
    const auto *found = all_.find(key_of(ref));
    return found ? found->who : nullptr;
  }
  void erase(const session_ref &ref) { all_.take(key_of(ref)); }
  size_t size() const noexcept { return all_.size(); }

  /// Cells, taken or free; `at` one of them: null if it is free.
  size_t cells() const noexcept { return all_.cells(); }
  session_port *at(size_t index) const noexcept {
    const auto *found = all_.at(index);
    return found ? found->who : nullptr;
  }

  template <class F>
  void for_each(F &&visit) const {
    for (size_t i = 0; i < cells(); ++i)
      if (auto *who = at(i))
        visit(*who);
  }

private:
  struct entry {
    session_port *who = nullptr;
    caf::strong_actor_ptr keeps_alive;
  };
  // 64 bits, of which one cell uses two for each session: none comes twice.
  using table = generation_table<entry, uint64_t>;
  static table::key key_of(const session_ref &ref) noexcept { return {ref.index, ref.generation}; }

  uint16_t loop_;
  table all_;
};

} // namespace stentor::actors
