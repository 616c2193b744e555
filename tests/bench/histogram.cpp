// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace stentor::bench {

namespace {

// Values below 2^8 have a bucket each; every doubling after that has 2^7 of them.
constexpr int precision_bits = 7;
constexpr size_t bucket_count = ((64 - precision_bits - 1) << precision_bits) + (size_t{2} << precision_bits);

} // namespace

histogram::histogram() : buckets_(bucket_count) {}

size_t histogram::bucket_of(uint64_t value) noexcept {
  auto width = static_cast<int>(std::bit_width(value));
  auto shift = std::max(0, width - precision_bits - 1);
  return (static_cast<size_t>(shift) << precision_bits) + static_cast<size_t>(value >> shift);
}

uint64_t histogram::end_of(size_t bucket) noexcept {
  if (bucket < (size_t{2} << precision_bits))
    return bucket;
  auto shift = (bucket >> precision_bits) - 1;
  auto start = static_cast<uint64_t>(bucket - (shift << precision_bits)) << shift;
  return start + ((uint64_t{1} << shift) - 1);
}

void histogram::record(uint64_t nanoseconds) noexcept {
  ++buckets_[bucket_of(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

void histogram::merge(const histogram &other) noexcept {
  for (size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

void histogram::clear() noexcept {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  max_ = 0;
}

uint64_t histogram::percentile(double fraction) const noexcept {
  if (count_ == 0)
    return 0;
  auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  wanted = std::clamp<uint64_t>(wanted, 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted)
      return std::min(end_of(i), max_);
  }
  return max_;
}

} // namespace stentor::bench
