// SPDX-License-Identifier: Apache-2.0
// Values in numbered cells that are used again, each time under another generation: a key to a value that was
// taken out finds nothing, never the value that has its cell now. Confined to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace stentor::actors {

/// Names a value of a table. `generation` is never 0 in a key that was given out.
template <class Generation>
struct generation_key {
  uint32_t index = 0;
  Generation generation = 0;
};

/// `T` is default-constructible and movable. A cell's generation is odd while it is in use, so that a cell
/// needs no flag; it comes again after half the values of `Generation`.
template <class T, class Generation = uint32_t>
class generation_table {
public:
  using key = generation_key<Generation>;

  key add(T what) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(cells_.size()));
      cells_.emplace_back();
    }
    auto index = free_.back();
    free_.pop_back();
    auto &cell = cells_[index];
    cell.what = std::move(what);
    return {index, ++cell.generation};
  }
  /// Null once it was taken out. Valid until the next `add`.
  T *find(key at) noexcept { return has(at) ? &cells_[at.index].what : nullptr; }
  const T *find(key at) const noexcept { return has(at) ? &cells_[at.index].what : nullptr; }
  /// Takes a value out; nothing if it was before.
  std::optional<T> take(key at) {
    if (!has(at))
      return std::nullopt;
    auto &cell = cells_[at.index];
    std::optional<T> what{std::move(cell.what)};
    cell.what = T{};
    ++cell.generation;
    free_.push_back(at.index);
    return what;
  }
  size_t size() const noexcept { return cells_.size() - free_.size(); }

  /// Cells, in use or free.
  size_t cells() const noexcept { return cells_.size(); }
  /// The key of the value in a cell; nothing if it is free.
  std::optional<key> key_at(size_t index) const noexcept {
    if (!in_use(cells_[index]))
      return std::nullopt;
    return key{static_cast<uint32_t>(index), cells_[index].generation};
  }
  /// The value in a cell; null if it is free.
  const T *at(size_t index) const noexcept { return in_use(cells_[index]) ? &cells_[index].what : nullptr; }

private:
  struct cell {
    Generation generation = 0;
    T what{};
  };
  static bool in_use(const cell &x) noexcept { return x.generation % 2 == 1; }
  bool has(key at) const noexcept {
    return at.index < cells_.size() && in_use(cells_[at.index]) &&
           cells_[at.index].generation == at.generation;
  }

  std::vector<cell> cells_;
  std::vector<uint32_t> free_;
};

/// A key as one number, never 0, for what is known to others by a correlation or a ticket; and back.
constexpr uint64_t number_of(generation_key<uint32_t> x) noexcept {
  return uint64_t{x.generation} << 32 | x.index;
}
constexpr generation_key<uint32_t> key_of(uint64_t number) noexcept {
  return {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32)};
}

} // namespace stentor::actors
