// SPDX-License-Identifier: Apache-2.0
// Durations in nanoseconds, counted in log-linear buckets: every value to within 0.8 % at a fixed 59 KB,
// however long the tail. Recording allocates nothing. Any one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stentor::bench {

class histogram {
public:
  histogram();

  void record(uint64_t nanoseconds) noexcept;
  void merge(const histogram &other) noexcept;
  void clear() noexcept;

  uint64_t count() const noexcept { return count_; }
  uint64_t max() const noexcept { return max_; } ///< exact; 0 where empty
  /// The smallest recorded value that at least `fraction` of all values do not exceed, rounded up to the end
  /// of its bucket and never above `max()`; 0 where empty. `fraction` in [0, 1].
  uint64_t percentile(double fraction) const noexcept;

private:
  static size_t bucket_of(uint64_t value) noexcept;
  static uint64_t end_of(size_t bucket) noexcept;

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

} // namespace stentor::bench
