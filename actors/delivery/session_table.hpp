// SPDX-License-Identifier: Apache-2.0
// A loop's sessions by index, with a generation that is never reused: a reference to a session that ended
// finds nothing, never another device's session. Confined to its loop.
#pragma once

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
    if (ref.index >= cells_.size() || cells_[ref.index].generation != ref.generation)
      return nullptr;
    return cells_[ref.index].who;
  }
  void erase(const session_ref &ref);
  size_t size() const noexcept { return cells_.size() - free_.size(); }

  /// Cells, taken or free; `at` one of them: null if it is free.
  size_t cells() const noexcept { return cells_.size(); }
  session_port *at(size_t index) const noexcept { return cells_[index].who; }

  template <class F>
  void for_each(F &&visit) const {
    for (auto &x : cells_)
      if (x.who)
        visit(*x.who);
  }

private:
  struct cell {
    uint64_t generation = 0;
    session_port *who = nullptr;
    caf::strong_actor_ptr keeps_alive;
  };
  uint16_t loop_;
  uint64_t generations_ = 0;
  std::vector<cell> cells_;
  std::vector<uint32_t> free_;
};

} // namespace stentor::actors
