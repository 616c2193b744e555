// SPDX-License-Identifier: Apache-2.0
// Numbers that one thread writes and any thread reads: a plain add on the hot path (relaxed load and store,
// no lock prefix), never torn, a few nanoseconds late at most. Two writers would lose counts: numbers written
// by several threads use std::atomic directly.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stentor::actors {

/// Only grows.
class counter {
public:
  void add(uint64_t n = 1) noexcept { value_.store(value() + n, std::memory_order_relaxed); }
  /// For a total that somebody else counts in plain memory; never smaller than before.
  void publish(uint64_t total) noexcept { value_.store(total, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<uint64_t> value_{0};
};

/// Goes up and down.
class gauge {
public:
  void set(int64_t x) noexcept { value_.store(x, std::memory_order_relaxed); }
  void add(int64_t n = 1) noexcept { set(value() + n); }
  void sub(int64_t n = 1) noexcept { set(value() - n); }
  int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<int64_t> value_{0};
};

/// Durations by powers of two, from 16 us to 16.8 s: an observation costs one instruction to find its bucket.
class time_histogram {
public:
  static constexpr size_t least_power = 4;   ///< the first bucket ends at 2^4 us
  static constexpr size_t bucket_count = 21; ///< the last finite one ends at 2^24 us

  void observe(std::chrono::steady_clock::duration x) noexcept {
    auto ns = x.count() > 0 ? static_cast<uint64_t>(x.count()) : 0;
    sum_ns_.add(ns);
    buckets_[bucket_of((ns + 999) / 1000)].add();
  }
  /// Its own observations, not cumulative; the last is everything longer.
  uint64_t in_bucket(size_t i) const noexcept { return buckets_[i].value(); }
  uint64_t sum_ns() const noexcept { return sum_ns_.value(); }
  static constexpr double bound_s(size_t i) noexcept {
    return static_cast<double>(uint64_t{1} << (i + least_power)) / 1e6;
  }

  static constexpr size_t bucket_of(uint64_t us) noexcept {
    auto power = static_cast<size_t>(us == 0 ? 0 : std::bit_width(us - 1));
    auto i = power <= least_power ? 0 : power - least_power;
    return i < bucket_count ? i : bucket_count;
  }

private:
  static_assert(std::chrono::steady_clock::period::den == 1'000'000'000);
  std::array<counter, bucket_count + 1> buckets_;
  counter sum_ns_;
};

/// One counter for each word of a closed set, and one for everything else: a label's values must be few, and
/// never a client's choice. For rare things: a word is found by comparing.
template <const auto &Words>
class word_counters {
public:
  static constexpr size_t size = Words.size() + 1;

  void add(std::string_view word, uint64_t n = 1) noexcept {
    size_t i = 0;
    while (i < Words.size() && Words[i] != word)
      ++i;
    counters_[i].add(n);
  }
  static constexpr std::string_view word(size_t i) noexcept { return i < Words.size() ? Words[i] : "other"; }
  uint64_t value(size_t i) const noexcept { return counters_[i].value(); }

private:
  std::array<counter, size> counters_;
};

} // namespace stentor::actors
