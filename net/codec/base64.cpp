// SPDX-License-Identifier: Apache-2.0
#include "net/codec/base64.hpp"

#include <array>
#include <cstdint>

namespace stentor::net {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t not_a_digit = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(not_a_digit);
  for (size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return values;
}
constexpr auto values = make_values();

} // namespace

void append_base64(std::string &out, std::string_view bytes) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto group = bytes.substr(i, 3);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<uint8_t>(group[k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      out.push_back(k <= group.size() ? alphabet[bits >> (18 - 6 * k) & 0x3f] : '=');
  }
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0)
    return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    auto group = text.substr(i, 4);
    auto is_last = i + 4 == text.size();
    size_t padding = !is_last || group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) {
      auto value = k < 4 - padding ? values[static_cast<uint8_t>(group[k])] : uint8_t{0};
      if (value == not_a_digit)
        return std::nullopt;
      bits = bits << 6 | value;
    }
    // The bits that padding cuts off must be zero: one value has one text.
    if (padding > 0 && (bits & ((1u << (8 * padding)) - 1)) != 0)
      return std::nullopt;
    for (size_t k = 0; k < 3 - padding; ++k)
      out.push_back(static_cast<char>(bits >> (16 - 8 * k)));
  }
  return out;
}

} // namespace stentor::net
