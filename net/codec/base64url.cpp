// SPDX-License-Identifier: Apache-2.0
#include "net/codec/base64url.hpp"

#include <array>
#include <cstdint>

namespace stentor::net {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t no_digit = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(no_digit);
  for (size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<uint8_t>(i);
  return values;
}

constexpr auto values = make_values();

} // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int count = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      text.push_back(alphabet[bits >> (count - 6) & 63]);
  }
  if (count > 0)
    text.push_back(alphabet[bits << (6 - count) & 63]);
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string bytes(text.size() * 3 / 4, '\0');
  auto out = bytes.data();
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    auto value = values[static_cast<unsigned char>(c)];
    if (value == no_digit)
      return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *out++ = static_cast<char>(bits >> count);
    }
  }
  if ((bits & ((1u << count) - 1)) != 0)
    return std::nullopt;
  return bytes;
}

} // namespace stentor::net
