// SPDX-License-Identifier: Apache-2.0
#include "cluster/message_id.hpp"

#include <algorithm>

namespace stentor {

namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<int8_t>(i);
  return values;
}

constexpr auto values = make_values();

} // namespace

std::array<char, message_id_chars> to_chars(const message_id &id) noexcept {
  std::array<char, message_id_chars> out;
  // 26 digits hold 130 bits: the first digit carries the top three. Each half is read by itself, since a
  // shift across both costs three times as much per digit: 12 digits are of the lower half alone, 13 of the
  // upper one, and one has the lower half's top 4 bits and the upper one's last.
  auto write = [&out](uint64_t bits, size_t first, size_t last) {
    for (auto i = last; i-- > first; bits >>= 5)
      out[i] = digits[bits & 31];
  };
  constexpr size_t shared = 13;
  write(id.low, shared + 1, message_id_chars);
  write((id.high & 1) << 4 | id.low >> 60, shared, shared + 1);
  write(id.high >> 1, 0, shared);
  return out;
}

std::optional<message_id> message_id_from(std::string_view text) noexcept {
  if (text.size() != message_id_chars || values[static_cast<unsigned char>(text[0])] > 7)
    return std::nullopt;
  message_id id;
  for (char c : text) {
    auto value = values[static_cast<unsigned char>(c)];
    if (value < 0)
      return std::nullopt;
    id.high = id.high << 5 | id.low >> 59;
    id.low = id.low << 5 | static_cast<uint64_t>(value);
  }
  return id;
}

message_id message_id_source::next(wall_ms now) noexcept {
  last_ = std::max(last_, now);
  return {static_cast<uint64_t>(last_) << 16 | tag_, ++counter_};
}

} // namespace stentor
