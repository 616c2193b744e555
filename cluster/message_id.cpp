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
  // 26 digits hold 130 bits: the first digit carries the top three.
  auto high = id.high;
  auto low = id.low;
  for (size_t i = message_id_chars; i-- > 0;) {
    out[i] = digits[low & 31];
    low = low >> 5 | high << 59;
    high >>= 5;
  }
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
