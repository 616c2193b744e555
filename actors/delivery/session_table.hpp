// SPDX-License-Identifier: Apache-2.0
// A loop's sessions by index, with a generation that is never reused: a reference to a session that ended
// finds nothing, never another device's session. Confined to its loop.
#pragma once

#include "actors/core/hosted_actor.hpp"
#include "cluster/ids.hpp"

#include <cstdint>
#include <vector>

namespace stentor::actors {

class session;

class session_table {
public:
  explicit session_table(uint16_t loop) : loop_{loop} {}

  /// Reserves a place; `fill` must follow before anybody looks.
  session_ref reserve();
  void fill(const session_ref &ref, hosted_ptr<session> who);
  /// Null where the session ended.
  session *find(const session_ref &ref) const noexcept {
    if (ref.index >= slots_.size() || slots_[ref.index].generation != ref.generation)
      return nullptr;
    return slots_[ref.index].who;
  }
  void erase(const session_ref &ref);
  size_t size() const noexcept { return slots_.size() - free_.size(); }

  /// Places, taken or free; `at` one of them: null where it is free.
  size_t places() const noexcept { return slots_.size(); }
  session *at(size_t index) const noexcept { return slots_[index].who; }

  template <class F>
  void for_each(F &&visit) const {
    for (auto &place : slots_)
      if (place.who)
        visit(*place.who);
  }

private:
  struct slot {
    uint64_t generation = 0;
    session *who = nullptr;
    caf::strong_actor_ptr keeps_alive;
  };
  uint16_t loop_;
  uint64_t generations_ = 0;
  std::vector<slot> slots_;
  std::vector<uint32_t> free_;
};

} // namespace stentor::actors
