// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/payload.hpp"

#include <array>
#include <cstring>

namespace stentor::bench {

namespace {

// magic | target | stream | number | meant | check | filler
constexpr size_t target_at = 4, stream_at = 12, number_at = 20, meant_at = 36, check_at = 52, filler_at = 60;
constexpr char filler[] = "the quick brown fox jumps over the lazy dog, and it does so day after day.";
static_assert(sizeof filler > payload_bytes - filler_at);

constexpr auto digits_of = [] {
  std::array<uint8_t, 256> table{};
  table.fill(0xff);
  for (int i = 0; i < 16; ++i)
    table[static_cast<unsigned char>("0123456789abcdef"[i])] = static_cast<uint8_t>(i);
  return table;
}();

template <class T>
void put(char *out, T value) noexcept {
  for (int i = sizeof(T) * 2 - 1; i >= 0; --i, value >>= 4)
    out[i] = "0123456789abcdef"[value & 15];
}

template <class T>
bool take(const char *in, T &value) noexcept {
  T result = 0;
  uint8_t bad = 0;
  for (size_t i = 0; i < sizeof(T) * 2; ++i) {
    auto digit = digits_of[static_cast<unsigned char>(in[i])];
    bad |= digit;
    result = static_cast<T>(result << 4) | (digit & 15);
  }
  value = result;
  return (bad & 0xf0) == 0;
}

uint32_t check_of(const payload_fields &x) noexcept {
  auto mixed = (uint64_t{x.target} << 32 | x.stream) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ x.number) * 0xd6e8feb86659fd93u;
  mixed = (mixed ^ x.meant_ns) * 0xa0761d6478bd642fu;
  return static_cast<uint32_t>(mixed >> 32);
}

} // namespace

void write_payload(char *out, const payload_fields &fields) noexcept {
  std::memcpy(out, payload_magic.data(), payload_magic.size());
  put(out + target_at, fields.target);
  put(out + stream_at, fields.stream);
  put(out + number_at, fields.number);
  put(out + meant_at, fields.meant_ns);
  put(out + check_at, check_of(fields));
  std::memcpy(out + filler_at, filler, payload_bytes - filler_at);
}

std::optional<payload_fields> read_payload(std::string_view bytes) noexcept {
  if (bytes.size() != payload_bytes || !bytes.starts_with(payload_magic))
    return {};
  payload_fields x;
  uint32_t check = 0;
  auto in = bytes.data();
  if (!take(in + target_at, x.target) || !take(in + stream_at, x.stream) || !take(in + number_at, x.number) ||
      !take(in + meant_at, x.meant_ns) || !take(in + check_at, check) || check != check_of(x) ||
      std::memcmp(in + filler_at, filler, payload_bytes - filler_at) != 0)
    return {};
  return x;
}

std::optional<uint32_t> read_target(const char *payload) noexcept {
  uint32_t target = 0;
  if (!take(payload + target_at, target))
    return {};
  return target;
}

// 20 bits of stream, 44 of number: a million streams of seventeen trillion messages.
void write_message_id(char *out, uint32_t stream, uint64_t number) noexcept {
  put(out, uint64_t{stream} << 44 | (number & ((uint64_t{1} << 44) - 1)));
}

bool read_message_id(std::string_view id, uint32_t &stream, uint64_t &number) noexcept {
  uint64_t both = 0;
  if (id.size() != message_id_bytes || !take(id.data(), both))
    return false;
  stream = static_cast<uint32_t>(both >> 44);
  number = both & ((uint64_t{1} << 44) - 1);
  return true;
}

} // namespace stentor::bench
