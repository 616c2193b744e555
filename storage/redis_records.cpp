// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_records.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace stentor::storage {

namespace {

constexpr int64_t latest_s = 253'402'300'799; // the year 9999

constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";

/// Up to the next `end`, which is consumed; the rest where there is none.
std::string_view take(std::string_view &text, char end) noexcept {
  auto at = std::min(text.find(end), text.size());
  auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

template <class T>
std::optional<T> number(std::string_view text, int base) noexcept {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return {};
  return value;
}

} // namespace

std::optional<uint64_t> from_hex(std::string_view text) noexcept {
  return number<uint64_t>(text, 16);
}

std::optional<int64_t> from_decimal(std::string_view text) noexcept {
  return number<int64_t>(text, 10);
}

std::optional<directory_time> directory_time_from(std::string_view text) noexcept {
  auto us = from_decimal(text);
  if (us)
    *us = std::clamp<int64_t>(*us, 0, latest_s * 1'000'000);
  return us;
}

directory_time directory_time_from(std::string_view seconds, std::string_view micros) noexcept {
  auto s = std::clamp<int64_t>(from_decimal(seconds).value_or(0), 0, latest_s);
  return s * 1'000'000 + std::clamp<int64_t>(from_decimal(micros).value_or(0), 0, 999'999);
}

std::string redis_keys::hex(uint64_t x) {
  std::array<char, 16> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), x, 16).ptr;
  return {digits.data(), end};
}

std::string redis_keys::digits(uint64_t x) {
  std::string text;
  do
    text.push_back(alphabet[x % 64]);
  while ((x /= 64) != 0);
  return text;
}

std::optional<uint64_t> from_digits(std::string_view text) noexcept {
  uint64_t x = 0;
  for (auto i = text.size(); i-- > 0;) {
    auto value = alphabet.find(text[i]);
    if (value == alphabet.npos || x > (UINT64_MAX - value) / 64)
      return {};
    x = x * 64 + value;
  }
  return text.empty() ? std::optional<uint64_t>{} : x;
}

std::string holder_text(const route &at) {
  return redis_keys::digits(at.inc) + '.' + redis_keys::digits(at.session.loop) + '.' +
         redis_keys::digits(at.session.index) + '.' + redis_keys::digits(at.session.generation) + '.' +
         at.node.str();
}

std::optional<route> route_from(std::string_view holder) {
  auto inc = from_digits(take(holder, '.'));
  auto loop = from_digits(take(holder, '.'));
  auto index = from_digits(take(holder, '.'));
  auto generation = from_digits(take(holder, '.'));
  if (!inc || !loop || *loop > UINT16_MAX || !index || *index > UINT32_MAX || !generation ||
      !is_valid_id(holder))
    return {};
  return route{node_id::trusted(std::string{holder}),
               *inc,
               {static_cast<uint16_t>(*loop), static_cast<uint32_t>(*index), *generation},
               0};
}

std::optional<redis_record> redis_record_from(std::string_view text) {
  auto ep = from_hex(take(text, ' '));
  std::string holder{take(text, ' ')};
  auto at = route_from(holder);
  if (!ep || !at || !is_valid_id(text))
    return {};
  at->ep = *ep;
  return redis_record{account_id::trusted(std::string{text}), std::move(*at), std::move(holder)};
}

std::optional<redis_lease> redis_lease_from(std::string_view field, std::string_view text) {
  redis_lease x;
  auto node = take(field, ' ');
  auto inc = from_hex(field);
  auto until = directory_time_from(take(text, ' '));
  auto dead = take(text, ' ');
  auto swept = take(text, ' ');
  auto draining = take(text, ' ');
  if (!is_valid_id(node) || !inc || !until)
    return {};
  x.at = {node_id::trusted(std::string{node}), *inc, *until, std::string{text}, draining == "1"};
  x.dead = dead == "1";
  x.swept = swept == "1";
  return x;
}

} // namespace stentor::storage
