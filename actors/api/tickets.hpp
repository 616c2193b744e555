// SPDX-License-Identifier: Apache-2.0
// Open questions of one loop by number: what an answer needs when it comes. A ticket that was answered or
// never given out finds nothing. Slots are reused, numbers are not. Loop-confined.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace stentor::actors {

template <class T>
class ticket_table {
public:
  /// Keeps `what` and gives its number, never 0.
  uint64_t open(T what) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    auto index = free_.back();
    free_.pop_back();
    auto &slot = slots_[index];
    slot.what.emplace(std::move(what));
    ++open_;
    return uint64_t{++slot.generation} << 32 | index;
  }

  /// Takes what was kept under `ticket`; nothing where it was taken before.
  std::optional<T> take(uint64_t ticket) {
    auto index = static_cast<uint32_t>(ticket);
    if (index >= slots_.size() || slots_[index].generation != ticket >> 32)
      return std::nullopt;
    auto what = std::exchange(slots_[index].what, std::nullopt);
    if (what) {
      free_.push_back(index);
      --open_;
    }
    return what;
  }

  size_t size() const noexcept { return open_; }

private:
  struct slot {
    std::optional<T> what;
    uint32_t generation = 0;
  };
  std::vector<slot> slots_;
  std::vector<uint32_t> free_;
  size_t open_ = 0;
};

} // namespace stentor::actors
