// SPDX-License-Identifier: Apache-2.0
#include "net/codec/base64.hpp"

#include <array>

namespace stentor::net {

namespace {

constexpr uint8_t no_digit = 0xff;

struct digits {
  std::array<char, 64> text{};
  std::array<uint8_t, 256> values{};
  bool padded = false;
};

constexpr digits make_digits(char digit_62, char digit_63, bool padded) {
  constexpr std::string_view first_62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  digits made;
  for (size_t i = 0; i < first_62.size(); ++i)
    made.text[i] = first_62[i];
  made.text[62] = digit_62;
  made.text[63] = digit_63;
  made.values.fill(no_digit);
  for (size_t i = 0; i < made.text.size(); ++i)
    made.values[static_cast<unsigned char>(made.text[i])] = static_cast<uint8_t>(i);
  made.padded = padded;
  return made;
}

constexpr auto standard_digits = make_digits('+', '/', true);
constexpr auto url_digits = make_digits('-', '_', false);

const digits &digits_of(base64_alphabet alphabet) noexcept {
  return alphabet == base64_alphabet::standard ? standard_digits : url_digits;
}

} // namespace

void append_base64(std::string &out, std::string_view bytes, base64_alphabet alphabet) {
  auto &digits = digits_of(alphabet);
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int count = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      out.push_back(digits.text[bits >> (count - 6) & 63]);
  }
  if (count > 0)
    out.push_back(digits.text[bits << (6 - count) & 63]);
  if (digits.padded)
    out.append((3 - bytes.size() % 3) % 3, '=');
}

std::string base64_encoded(std::string_view bytes, base64_alphabet alphabet) {
  std::string text;
  append_base64(text, bytes, alphabet);
  return text;
}

std::optional<std::string> base64_decoded(std::string_view text, base64_alphabet alphabet) {
  auto &digits = digits_of(alphabet);
  if (digits.padded) {
    if (text.size() % 4 != 0)
      return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i)
      text.remove_suffix(1);
  }
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string bytes(text.size() * 3 / 4, '\0');
  auto out = bytes.data();
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    auto value = digits.values[static_cast<unsigned char>(c)];
    if (value == no_digit)
      return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *out++ = static_cast<char>(bits >> count);
    }
  }
  // The bits that no byte took must be zero: one value has one text.
  if ((bits & ((1u << count) - 1)) != 0)
    return std::nullopt;
  return bytes;
}

} // namespace stentor::net
