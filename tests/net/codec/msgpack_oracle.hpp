// SPDX-License-Identifier: Apache-2.0
// msgpack-c as the judge of our reader of MessagePack: what both make of the same bytes must be the same,
// within the limits of docs/protocol.md (32 levels, the frame's own keys are `str`). Used by property tests
// and fuzz targets. Test code only.
#pragma once

#include "net/codec/msgpack_reader.hpp"
#include "net/codec/protocol.hpp"

#include <msgpack.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <string_view>

namespace stentor::test {

/// What msgpack-c says of bytes that should begin with one value.
struct library_reading {
  bool is_good = false;
  bool is_too_deep = false; ///< more than the allowed levels, as far as it read
  size_t size = 0;          ///< of the value; more may follow
  msgpack::object_handle handle;

  const msgpack::object &value() const { return handle.get(); }
};

/// Reads at most `depth` levels. A declared count is limited by the bytes that are there: the library
/// allocates for all elements before it looks for the first.
inline library_reading read_by_library(std::string_view bytes, size_t depth = net::max_depth) {
  library_reading out;
  auto most = std::max<size_t>(bytes.size(), 1);
  try {
    msgpack::unpack(out.handle, bytes.data(), bytes.size(), out.size, nullptr, nullptr,
                    msgpack::unpack_limit{most, most, most, most, most, depth});
    out.is_good = true;
  } catch (const msgpack::depth_size_overflow &) {
    out.is_too_deep = true;
  } catch (const msgpack::unpack_error &) { // cut, no value, or more elements than bytes
  }
  return out;
}

inline bool is_text(const msgpack::object &x) {
  return x.type == msgpack::type::STR;
}
inline bool is_map(const msgpack::object &x) {
  return x.type == msgpack::type::MAP;
}
inline std::string_view text_of(const msgpack::object &x) {
  return {x.via.str.ptr, x.via.str.size};
}

inline bool has_text_keys(const msgpack::object &map) {
  const auto &members = map.via.map;
  return std::all_of(members.ptr, members.ptr + members.size, [](const auto &m) { return is_text(m.key); });
}

/// Containers inside each other; 0 for a scalar.
inline size_t levels(const msgpack::object &x) {
  size_t inside = 0;
  if (x.type == msgpack::type::ARRAY) {
    for (size_t i = 0; i < x.via.array.size; ++i)
      inside = std::max(inside, levels(x.via.array.ptr[i]));
    return inside + 1;
  }
  if (!is_map(x))
    return 0;
  for (size_t i = 0; i < x.via.map.size; ++i)
    inside = std::max({inside, levels(x.via.map.ptr[i].key), levels(x.via.map.ptr[i].val)});
  return inside + 1;
}

inline bool is_same_real(double x, double y) {
  return (std::isnan(x) && std::isnan(y)) || std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
}

/// Whether the pull reader finds `x` next, and all of it. A map with a key that is no string ends the
/// reading: then `r` has failed, and what stood before was the same.
inline bool is_read_as(net::msgpack_reader &r, const msgpack::object &x) {
  using net::number;
  std::string_view bytes;
  number n;
  auto flag = false;
  switch (x.type) {
  case msgpack::type::NIL:
    return r.peek() == net::value_kind::null && r.read_null();
  case msgpack::type::BOOLEAN:
    return r.peek() == net::value_kind::boolean && r.read(flag) && flag == x.via.boolean;
  case msgpack::type::POSITIVE_INTEGER:
    return r.read(n) && n.type == number::kind::natural && n.u == x.via.u64;
  case msgpack::type::NEGATIVE_INTEGER:
    return r.read(n) && n.type == number::kind::negative && n.i == x.via.i64;
  case msgpack::type::FLOAT32:
  case msgpack::type::FLOAT64:
    return r.read(n) && n.type == number::kind::real && is_same_real(n.d, x.via.f64);
  case msgpack::type::STR:
    return r.read(bytes) && bytes == text_of(x);
  case msgpack::type::BIN:
    return r.read_binary(bytes) && bytes == std::string_view{x.via.bin.ptr, x.via.bin.size};
  case msgpack::type::EXT: // the type's byte and the data are the last bytes of every form
    return r.peek() == net::value_kind::extension && r.skip(bytes) && bytes.size() > x.via.ext.size &&
           bytes.ends_with(std::string_view{x.via.ext.ptr, size_t{x.via.ext.size} + 1});
  case msgpack::type::ARRAY: {
    net::msgpack_reader::array elements;
    if (r.peek() != net::value_kind::array || !r.enter(elements) || elements.left != x.via.array.size)
      return false;
    for (size_t i = 0; r.next(elements); ++i)
      if (!is_read_as(r, x.via.array.ptr[i]))
        return false;
      else if (r.failure())
        return true;
    return !r.failure();
  }
  case msgpack::type::MAP: {
    net::msgpack_reader::map members;
    if (r.peek() != net::value_kind::map || !r.enter(members) || members.left != x.via.map.size)
      return false;
    for (size_t i = 0; i < x.via.map.size; ++i) {
      const auto &member = x.via.map.ptr[i];
      if (r.next(members, bytes) != is_text(member.key))
        return false;
      if (r.failure())
        return true;
      if (bytes != text_of(member.key) || !is_read_as(r, member.val))
        return false;
      if (r.failure())
        return true;
    }
    return !r.next(members, bytes) && !r.failure();
  }
  }
  return false;
}

/// What our reader and msgpack-c make of `bytes` differently, as one value; empty: nothing.
inline std::string disagreement_about_value(std::string_view bytes) {
  auto theirs = read_by_library(bytes);
  net::msgpack_reader ours{bytes};
  std::string_view raw;
  auto is_good = ours.skip(raw);
  if (is_good != theirs.is_good)
    return is_good ? "we pass over what the library refuses"
                   : std::string{"we refuse: "} + ours.failure().text;
  net::codec c;
  if (!c.check(format::msgpack, bytes) != (theirs.is_good && theirs.size == bytes.size()))
    return "the check of one whole value";
  if (!is_good) // both refuse; of two faults in one value each may name another one
    return {};
  if (raw.data() != bytes.data() || raw.size() != theirs.size)
    return "where the value ends";
  net::msgpack_reader again{raw};
  if (!is_read_as(again, theirs.value()) || !(again.failure() || again.at_end()))
    return "what the value is";
  return {};
}

} // namespace stentor::test
