// SPDX-License-Identifier: Apache-2.0
// How much data is under way from one loop of a node to another: the bound of a lane. Shared by the two
// loops, without a lock.
#pragma once

#include <atomic>
#include <cstddef>

namespace stentor::actors {

/// Data under way from one loop to another. The source adds, the target subtracts; never locked.
class lane_credit {
public:
  /// Takes credit for one message; false where the lane is full. Source thread.
  bool take(size_t bytes, size_t most_bytes, size_t most_messages) noexcept {
    if (bytes_.load(std::memory_order_relaxed) + bytes > most_bytes ||
        messages_.load(std::memory_order_relaxed) >= most_messages)
      return false;
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    messages_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  /// Gives back what a batch carried. Target thread.
  void give(size_t bytes, size_t messages) noexcept {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    messages_.fetch_sub(messages, std::memory_order_relaxed);
  }
  size_t messages() const noexcept { return messages_.load(std::memory_order_relaxed); }

private:
  alignas(64) std::atomic<size_t> bytes_{0};
  std::atomic<size_t> messages_{0};
};

} // namespace stentor::actors
