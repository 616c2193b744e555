// SPDX-License-Identifier: Apache-2.0
// How a draining node spreads its `goaway`s: evenly over the requested time, or over a longer one if the
// other nodes could not accept the devices faster. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace stentor {

class drain_plan {
public:
  /// Past it a drain is a node that does not end.
  static constexpr std::chrono::milliseconds longest = std::chrono::minutes{30};

  /// `devices` to be asked over `over`; the others take in `capacity` a second (0: nobody does, or nobody
  /// knows: then only `over` counts).
  drain_plan(size_t devices, std::chrono::milliseconds over, size_t capacity) noexcept
      : devices_{devices}, length_{std::clamp(needed(devices, capacity), over, std::max(over, longest))} {}

  std::chrono::milliseconds length() const noexcept { return length_; }
  /// How many should have been asked `since` after the start: never fewer than before, all at the end.
  size_t due(std::chrono::milliseconds since) const noexcept {
    if (since >= length_)
      return devices_;
    if (since.count() <= 0)
      return 0;
    auto share = static_cast<double>(since.count()) / static_cast<double>(length_.count());
    return static_cast<size_t>(static_cast<double>(devices_) * share);
  }

private:
  static std::chrono::milliseconds needed(size_t devices, size_t capacity) noexcept {
    return std::chrono::milliseconds{capacity == 0 ? 0 : devices * 1000 / capacity};
  }

  size_t devices_;
  std::chrono::milliseconds length_;
};

} // namespace stentor
