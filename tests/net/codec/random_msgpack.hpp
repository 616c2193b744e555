// SPDX-License-Identifier: Apache-2.0
// Random MessagePack from a seed: every form of every value, put together by the format's own table, and
// values that have an image in JSON, written by msgpack-c. Test code only.
#pragma once

#include <msgpack.hpp>

#include <bit>
#include <cmath>
#include <random>
#include <sstream>
#include <string>
#include <string_view>

namespace stentor::test {

class random_msgpack {
public:
  size_t below(size_t n) { return random_() % n; }
  std::string seed_text() const { return "seed " + std::to_string(seed_); }

  std::string bytes(size_t size) {
    std::string out(size, '\0');
    for (auto &c : out)
      c = static_cast<char>(below(256));
    return out;
  }
  /// Of every width.
  uint64_t number() { return random_() >> below(64); }
  /// Finite.
  double real() {
    auto x = std::bit_cast<double>(random_());
    return std::isfinite(x) && below(2) == 0 ? x : std::ldexp(static_cast<double>(below(4096)) - 2048, -3);
  }
  /// UTF-8 of 0 to some 300 bytes: each form of a string's head but the widest.
  std::string text() {
    static constexpr std::string_view pieces[] = {"a",    "$",    "bin",      "\"",
                                                  "\\",   "\n",   "\x01",     "\x7f",
                                                  "/",    "$bin", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                                  "AA==", "0",    "true",     "0123456789abcdef"};
    std::string out;
    for (auto n = below(below(10) == 0 ? 60 : 6); n > 0; --n)
      out += pieces[below(std::size(pieces))];
    return out;
  }

  /// Well-formed, of any first byte but 0xc1, in any length form; may nest some levels.
  std::string any_value() {
    std::string out;
    put_any(out, 0);
    return out;
  }
  /// Exactly `depth` containers inside each other, of any form, around one scalar.
  std::string nested(size_t depth) {
    std::string head, tail;
    for (; depth > 0; --depth)
      switch (below(4)) {
      case 0:
        head += '\x91';
        break;
      case 1: // more behind
        head += std::string_view{"\xdc\x00\x02", 3};
        tail.insert(0, any_scalar());
        break;
      case 2: // as a map's value
        head += '\x81';
        head += any_scalar();
        break;
      case 3: // as a map's key
        head += std::string_view{"\xdf\x00\x00\x00\x01", 5};
        tail.insert(0, any_scalar());
        break;
      }
    return head + any_scalar() + tail;
  }
  /// A frame that has `value` as its payload, as a field nobody knows, or in its target.
  std::string frame_around(std::string_view value) {
    using namespace std::string_literals;
    auto tail = "\xa1t\xa4send\xa2id\xa1m"s;
    switch (below(4)) {
    case 0:
      return "\x84\xa2to\xa1"s
             "b\xa4"
             "data"s.append(value) +
             tail;
    case 1:
      return "\x85\xa2to\xa1"s
             "b\xa4"
             "data\xc0\xa1x"s.append(value) +
             tail;
    case 2:
      return "\x84\xa4"
             "data\xc0\xa2to\x82\xa7"
             "account\xa1"
             "b\xa1x"s.append(value) +
             tail;
    default: // the second `to` is ignored
      return "\x85\xa4"
             "data\xc0\xa2to\xa1"
             "b\xa2to"s.append(value) +
             tail;
    }
  }

  /// String keys, no two the same in a map; no ext, NaN or infinity.
  std::string value_with_an_image() {
    std::ostringstream out;
    msgpack::packer<std::ostringstream> pack{out};
    put_with_image(pack, 0);
    return out.str();
  }

private:
  static void put_big_endian(std::string &out, size_t bytes, uint64_t x) {
    for (; bytes > 0; --bytes)
      out += static_cast<char>(x >> (8 * (bytes - 1)));
  }

  std::string any_scalar() {
    std::string out;
    put_any(out, most_levels);
    return out;
  }

  void put_any(std::string &out, size_t depth) {
    auto first = below(256);
    auto is_container = (first >= 0x80 && first < 0xa0) || (first >= 0xdc && first < 0xe0);
    while (first == 0xc1 || (is_container && depth >= most_levels)) {
      first = below(0x80);
      is_container = false;
    }
    out += static_cast<char>(first);
    auto sized = [&](size_t width, size_t more) {
      auto size = below(below(8) == 0 ? 300 : 6);
      size = width == 1 ? std::min<size_t>(size, 255) : size;
      put_big_endian(out, width, size);
      out += bytes(size + more);
    };
    auto elements = [&](size_t n) {
      for (; n > 0; --n)
        put_any(out, depth + 1);
    };
    auto counted = [&](size_t width, size_t each) {
      auto n = below(4);
      put_big_endian(out, width, n);
      elements(n * each);
    };
    if (first < 0x80 || first >= 0xe0)
      return;
    if (first < 0x90)
      return elements(2 * (first - 0x80));
    if (first < 0xa0)
      return elements(first - 0x90);
    if (first < 0xc0) {
      out += bytes(first - 0xa0);
      return;
    }
    switch (first) {
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return sized(size_t{1} << (first - 0xc4), 0);
    case 0xc7:
    case 0xc8:
    case 0xc9: // the type is a byte more
      return sized(size_t{1} << (first - 0xc7), 1);
    case 0xca:
      out += bytes(4);
      return;
    case 0xcb:
      out += bytes(8);
      return;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      out += bytes(size_t{1} << (first & 3));
      return;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      out += bytes(1 + (size_t{1} << (first - 0xd4)));
      return;
    case 0xd9:
    case 0xda:
    case 0xdb:
      return sized(size_t{1} << (first - 0xd9), 0);
    case 0xdc:
    case 0xdd:
      return counted(first == 0xdc ? 2 : 4, 1);
    case 0xde:
    case 0xdf:
      return counted(first == 0xde ? 2 : 4, 2);
    default: // nil and booleans
      return;
    }
  }

  template <class Packer>
  void put_text(Packer &pack, const std::string &x) {
    pack.pack_str(static_cast<uint32_t>(x.size())).pack_str_body(x.data(), static_cast<uint32_t>(x.size()));
  }

  template <class Packer>
  void put_with_image(Packer &pack, size_t depth) {
    auto size = static_cast<uint32_t>(below(below(10) == 0 ? 20 : 5));
    switch (below(depth < most_levels ? 11 : 7)) {
    case 0:
      pack.pack_nil();
      break;
    case 1:
      below(2) == 0 ? pack.pack_true() : pack.pack_false();
      break;
    case 2:
      pack.pack_uint64(number());
      break;
    case 3:
      pack.pack_int64(static_cast<int64_t>(random_()) >> below(64));
      break;
    case 4:
      below(2) == 0 ? pack.pack_double(real()) : pack.pack_float(static_cast<float>(below(1000)) / 7);
      break;
    case 5:
      put_text(pack, text());
      break;
    case 6: {
      auto x = bytes(below(40));
      pack.pack_bin(static_cast<uint32_t>(x.size())).pack_bin_body(x.data(), static_cast<uint32_t>(x.size()));
      break;
    }
    case 7: // looks like the mark of a bin
      pack.pack_map(1);
      put_text(pack, std::string(1 + below(3), '$') + "bin");
      put_text(pack, text());
      break;
    case 8:
    case 9:
      pack.pack_array(size);
      for (; size > 0; --size)
        put_with_image(pack, depth + 1);
      break;
    default:
      pack.pack_map(size);
      for (; size > 0; --size) {
        put_text(pack, "k" + std::to_string(size) + text());
        put_with_image(pack, depth + 1);
      }
    }
  }

  static constexpr size_t most_levels = 4;
  uint64_t seed_ = 1;
  std::mt19937_64 random_{seed_};
};

} // namespace stentor::test
