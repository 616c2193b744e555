// SPDX-License-Identifier: Apache-2.0
// Appends MessagePack to a string by msgpack-c's packer, each value in its shortest form. The same member
// functions as `json_writer`, so that one template writes a frame in either format. The caller must append as
// many members as it announced.
#pragma once

#include "net/codec/append_buffer.hpp"

#include <msgpack/pack.hpp>

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net {

class msgpack_writer {
public:
  explicit msgpack_writer(std::string &out) noexcept : out_{out}, pack_{out_} {}
  msgpack_writer(const msgpack_writer &) = delete; // the packer points at the buffer
  msgpack_writer &operator=(const msgpack_writer &) = delete;

  void begin_map(size_t size) { pack_.pack_map(static_cast<uint32_t>(size)); }
  void end_map() {}
  void begin_array(size_t size) { pack_.pack_array(static_cast<uint32_t>(size)); }
  void end_array() {}

  template <size_t N>
  void key(const char (&name)[N]) {
    static_assert(N - 1 < 32);
    text({name, N - 1});
  }
  void text(std::string_view x) {
    pack_.pack_str(static_cast<uint32_t>(x.size()));
    out_.put(x);
  }
  void binary(std::string_view x) {
    pack_.pack_bin(static_cast<uint32_t>(x.size()));
    out_.put(x);
  }
  void integer(uint64_t x) { pack_.pack_uint64(x); }
  /// `x` is below 0.
  void negative(int64_t x) { pack_.pack_int64(x); }
  /// Not by `pack_double`, which makes a natural number of 2.0 and of -0.0: a payload that is transcoded
  /// would change its type and lose a sign.
  void real(double x) {
    constexpr char float64 = '\xcb';
    out_.put(float64);
    auto bits = std::bit_cast<uint64_t>(x);
    for (int shift = 56; shift >= 0; shift -= 8)
      out_.put(static_cast<char>(bits >> shift));
  }
  void boolean(bool x) { x ? pack_.pack_true() : pack_.pack_false(); }
  void nil() { pack_.pack_nil(); }
  /// One value that is MessagePack already.
  void raw(std::string_view x) { out_.put(x); }

private:
  append_buffer out_;
  msgpack::packer<append_buffer> pack_;
};

} // namespace stentor::net
