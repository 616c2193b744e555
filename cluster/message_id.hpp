// SPDX-License-Identifier: Apache-2.0
// 128-bit ids of messages, sortable by creation time, printed as 26 characters of Crockford base 32. Pure
// values; a `message_id_source` belongs to one loop.
#pragma once

#include "cluster/time.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace stentor {

/// High word: 48 bits of wall-clock milliseconds, 16 bits of the source's tag. Low word: counter of the
/// source.
struct message_id {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const message_id &, const message_id &) = default;
  friend auto operator<=>(const message_id &, const message_id &) = default;
};

inline constexpr size_t message_id_chars = 26;

/// The printed form; not zero-terminated.
std::array<char, message_id_chars> to_chars(const message_id &id) noexcept;

/// Reads what `to_chars` wrote (capital letters only); nothing for anything else.
std::optional<message_id> message_id_from(std::string_view text) noexcept;

/// Makes ids that never repeat within the source and hardly across sources: the low word starts at random.
class message_id_source {
public:
  /// `tag` tells sources of one process apart, `seed` is random.
  /// The counter starts in the lower half: a wrap within one millisecond would break the order.
  message_id_source(uint16_t tag, uint64_t seed) noexcept : tag_{tag}, counter_{seed >> 1} {}

  /// The next id, never smaller than the one before even where the wall clock steps back.
  message_id next(wall_ms now) noexcept;

private:
  uint16_t tag_;
  uint64_t counter_;
  wall_ms last_ = 0;
};

} // namespace stentor
