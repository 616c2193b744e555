// SPDX-License-Identifier: Apache-2.0
#include "net/codec/msgpack_reader.hpp"

#include "net/codec/protocol.hpp"

#include <array>
#include <bit>

namespace stentor::net {

namespace {

constexpr const char *cut = "the value is truncated";

/// What a first byte announces (the format's own table).
constexpr std::array<value_kind, 256> make_kinds() {
  std::array<value_kind, 256> kinds{};
  auto fill = [&kinds](size_t from, size_t to, value_kind kind) {
    for (size_t i = from; i <= to; ++i)
      kinds[i] = kind;
  };
  fill(0x00, 0x7f, value_kind::number);
  fill(0x80, 0x8f, value_kind::map);
  fill(0x90, 0x9f, value_kind::array);
  fill(0xa0, 0xbf, value_kind::string);
  fill(0xc0, 0xc0, value_kind::null);
  fill(0xc1, 0xc1, value_kind::none);
  fill(0xc2, 0xc3, value_kind::boolean);
  fill(0xc4, 0xc6, value_kind::binary);
  fill(0xc7, 0xc9, value_kind::extension);
  fill(0xca, 0xd3, value_kind::number);
  fill(0xd4, 0xd8, value_kind::extension);
  fill(0xd9, 0xdb, value_kind::string);
  fill(0xdc, 0xdd, value_kind::array);
  fill(0xde, 0xdf, value_kind::map);
  fill(0xe0, 0xff, value_kind::number);
  return kinds;
}
constexpr auto kinds = make_kinds();

} // namespace

bool msgpack_reader::fail(const char *text, errc code) noexcept {
  if (!failure_)
    failure_ = {code, text, static_cast<size_t>(p_ - begin_)};
  return false;
}

value_kind msgpack_reader::peek() const noexcept {
  return p_ == end_ ? value_kind::none : kinds[static_cast<uint8_t>(*p_)];
}

// -- pieces ----

bool msgpack_reader::take_big_endian(size_t bytes, uint64_t &x) noexcept {
  if (left() < bytes)
    return fail(cut);
  x = 0;
  for (size_t i = 0; i < bytes; ++i)
    x = x << 8 | static_cast<uint8_t>(p_[i]);
  p_ += bytes;
  return true;
}

bool msgpack_reader::take_bytes(uint64_t size, std::string_view &body) noexcept {
  if (size > left())
    return fail(cut);
  body = {p_, static_cast<size_t>(size)};
  p_ += size;
  return true;
}

bool msgpack_reader::take_sized(size_t size_bytes, size_t more, std::string_view &body) noexcept {
  uint64_t size = 0;
  return take_big_endian(size_bytes, size) && take_bytes(size + more, body);
}

/// The element count of a map or array whose first byte is `fix`..`fix`+15, `wide` or `wide`+1.
bool msgpack_reader::take_count(uint8_t fix, uint8_t wide, uint32_t &count) noexcept {
  auto type = static_cast<uint8_t>(*p_++);
  if ((type & 0xf0) == fix) {
    count = type & 0x0f;
    return true;
  }
  uint64_t n = 0;
  if (!take_big_endian(type == wide ? 2 : 4, n))
    return false;
  count = static_cast<uint32_t>(n);
  return true;
}

// -- containers ----

bool msgpack_reader::enter(map &m) noexcept {
  if (peek() != value_kind::map)
    return fail("a map is missing");
  return take_count(0x80, 0xde, m.left);
}

bool msgpack_reader::enter(array &a) noexcept {
  if (peek() != value_kind::array)
    return fail("an array is missing");
  return take_count(0x90, 0xdc, a.left);
}

bool msgpack_reader::next(map &m, std::string_view &key) noexcept {
  if (failure_ || m.left == 0)
    return false;
  --m.left;
  return read(key);
}

bool msgpack_reader::next(array &a) noexcept {
  if (failure_ || a.left == 0)
    return false;
  --a.left;
  return true;
}

// -- scalars ----

bool msgpack_reader::read(std::string_view &text) noexcept {
  if (peek() != value_kind::string)
    return fail(p_ == end_ ? cut : "a string is missing");
  auto type = static_cast<uint8_t>(*p_++);
  if (type < 0xc0)
    return take_bytes(type & 0x1f, text);
  return take_sized(size_t{1} << (type - 0xd9), 0, text);
}

bool msgpack_reader::read_binary(std::string_view &bytes) noexcept {
  if (peek() != value_kind::binary)
    return fail("a bin is missing");
  auto type = static_cast<uint8_t>(*p_++);
  return take_sized(size_t{1} << (type - 0xc4), 0, bytes);
}

bool msgpack_reader::read(number &x) noexcept {
  if (peek() != value_kind::number)
    return fail("a number is missing");
  auto type = static_cast<uint8_t>(*p_++);
  auto set_signed = [&x](int64_t i) {
    x.type = i < 0 ? number::kind::negative : number::kind::natural;
    x.i = i;
    x.u = static_cast<uint64_t>(i);
  };
  if (type < 0x80 || type >= 0xe0) {
    set_signed(static_cast<int8_t>(type));
    return true;
  }
  uint64_t bits = 0;
  switch (type) {
  case 0xca:
    if (!take_big_endian(4, bits))
      return false;
    x.type = number::kind::real;
    x.d = std::bit_cast<float>(static_cast<uint32_t>(bits));
    return true;
  case 0xcb:
    if (!take_big_endian(8, bits))
      return false;
    x.type = number::kind::real;
    x.d = std::bit_cast<double>(bits);
    return true;
  case 0xd0:
    if (!take_big_endian(1, bits))
      return false;
    set_signed(static_cast<int8_t>(bits));
    return true;
  case 0xd1:
    if (!take_big_endian(2, bits))
      return false;
    set_signed(static_cast<int16_t>(bits));
    return true;
  case 0xd2:
    if (!take_big_endian(4, bits))
      return false;
    set_signed(static_cast<int32_t>(bits));
    return true;
  case 0xd3:
    if (!take_big_endian(8, bits))
      return false;
    set_signed(static_cast<int64_t>(bits));
    return true;
  default: // 0xcc to 0xcf
    x.type = number::kind::natural;
    return take_big_endian(size_t{1} << (type - 0xcc), x.u);
  }
}

bool msgpack_reader::read(bool &x) noexcept {
  if (peek() != value_kind::boolean)
    return fail("a boolean is missing");
  x = static_cast<uint8_t>(*p_++) == 0xc3;
  return true;
}

bool msgpack_reader::read_null() noexcept {
  if (peek() != value_kind::null)
    return fail("a nil is missing");
  ++p_;
  return true;
}

// -- whole values ----

/// Passes over a scalar, or over the head of a container.
bool msgpack_reader::step(bool &is_container, uint64_t &children) noexcept {
  std::string_view body;
  number x;
  uint32_t count = 0;
  is_container = false;
  switch (peek()) {
  case value_kind::map:
  case value_kind::array: {
    auto is_map = peek() == value_kind::map;
    if (!take_count(is_map ? 0x80 : 0x90, is_map ? 0xde : 0xdc, count))
      return false;
    is_container = true;
    children = is_map ? uint64_t{count} * 2 : count;
    return children <= left() || fail(cut); // each takes a byte at least
  }
  case value_kind::string:
    return read(body);
  case value_kind::number:
    return read(x);
  case value_kind::boolean:
  case value_kind::null:
    ++p_;
    return true;
  case value_kind::binary:
    return read_binary(body);
  case value_kind::extension: {
    auto type = static_cast<uint8_t>(*p_++);
    if (type >= 0xd4)
      return take_bytes(1 + (uint64_t{1} << (type - 0xd4)), body);
    return take_sized(size_t{1} << (type - 0xc7), 1, body);
  }
  case value_kind::none:
    return fail(p_ == end_ ? cut : "the byte 0xc1 does not start a value");
  }
  return false;
}

bool msgpack_reader::skip(std::string_view &raw) noexcept {
  auto start = p_;
  std::array<uint64_t, max_depth> open; // children still to come of each open container
  size_t depth = 0;
  do {
    if (depth > 0)
      --open[depth - 1];
    auto is_container = false;
    uint64_t children = 0;
    if (!step(is_container, children))
      return false;
    if (is_container) {
      if (depth == max_depth)
        return fail("this nests deeper than 32 levels", errc::too_deep);
      open[depth++] = children;
    }
    while (depth > 0 && open[depth - 1] == 0)
      --depth;
  } while (depth > 0);
  raw = {start, static_cast<size_t>(p_ - start)};
  return true;
}

bool msgpack_reader::finish() noexcept {
  if (failure_)
    return false;
  return p_ == end_ || fail("something follows the value");
}

} // namespace stentor::net
