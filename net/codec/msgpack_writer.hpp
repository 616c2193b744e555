// SPDX-License-Identifier: Apache-2.0
// Appends MessagePack to a string, each value in its shortest form. The same member functions as
// `json_writer`, so that one template writes a frame in either format. The caller keeps its promise about how
// many members follow.
#pragma once

#include "net/codec/append_buffer.hpp"

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net {

class msgpack_writer {
public:
  explicit msgpack_writer(std::string &out) noexcept : out_{out} {}

  void begin_map(size_t size) { container(size, 0x80, 0xde); }
  void end_map() {}
  void begin_array(size_t size) { container(size, 0x90, 0xdc); }
  void end_array() {}

  template <size_t N>
  void key(const char (&name)[N]) {
    static_assert(N - 1 < 32);
    out_.put(static_cast<char>(0xa0 | (N - 1)));
    out_.put(std::string_view{name, N - 1});
  }
  void text(std::string_view x) {
    if (x.size() < 32)
      byte(0xa0 | x.size());
    else
      sized(0xd9, x.size());
    out_.put(x);
  }
  void binary(std::string_view x) {
    sized(0xc4, x.size());
    out_.put(x);
  }
  void integer(uint64_t x) {
    if (x < 0x80)
      byte(x);
    else if (x <= 0xff)
      big_endian<1>(0xcc, x);
    else if (x <= 0xffff)
      big_endian<2>(0xcd, x);
    else if (x <= 0xffffffff)
      big_endian<4>(0xce, x);
    else
      big_endian<8>(0xcf, x);
  }
  /// `x` is below 0.
  void negative(int64_t x) {
    auto bits = static_cast<uint64_t>(x);
    if (x >= -32)
      byte(bits);
    else if (x >= INT8_MIN)
      big_endian<1>(0xd0, bits);
    else if (x >= INT16_MIN)
      big_endian<2>(0xd1, bits);
    else if (x >= INT32_MIN)
      big_endian<4>(0xd2, bits);
    else
      big_endian<8>(0xd3, bits);
  }
  void real(double x) { big_endian<8>(0xcb, std::bit_cast<uint64_t>(x)); }
  void boolean(bool x) { byte(x ? 0xc3 : 0xc2); }
  void nil() { byte(0xc0); }
  /// One value that is MessagePack already.
  void raw(std::string_view x) { out_.put(x); }

private:
  void byte(uint64_t x) { out_.put(static_cast<char>(x)); }
  template <size_t Bytes>
  void big_endian(uint8_t type, uint64_t x) {
    char bytes[Bytes + 1];
    bytes[0] = static_cast<char>(type);
    for (size_t i = 0; i < Bytes; ++i)
      bytes[i + 1] = static_cast<char>(x >> (8 * (Bytes - 1 - i)));
    out_.put(std::string_view{bytes, sizeof bytes});
  }
  /// `type`, `type`+1 or `type`+2, with a size of 1, 2 or 4 bytes.
  void sized(uint8_t type, size_t size) {
    if (size <= 0xff)
      big_endian<1>(type, size);
    else if (size <= 0xffff)
      big_endian<2>(type + 1, size);
    else
      big_endian<4>(type + 2, size);
  }
  void container(size_t size, uint8_t fix, uint8_t wide) {
    if (size < 16)
      byte(fix | size);
    else if (size <= 0xffff)
      big_endian<2>(wide, size);
    else
      big_endian<4>(wide + 1, size);
  }

  append_buffer out_;
};

} // namespace stentor::net
