// SPDX-License-Identifier: Apache-2.0
// Appends JSON to a string, compactly. The same member functions as `msgpack_writer`, so that one template
// writes a frame in either format. Knows no structure beyond the comma: the caller says what is well-formed.
#pragma once

#include "net/codec/append_buffer.hpp"
#include "net/codec/json_string.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net {

/// The shortest text that reads back as exactly `x`, always with a point or an exponent. `x` is finite.
void append_json_real(std::string &out, double x);

class json_writer {
public:
  explicit json_writer(std::string &out) noexcept : out_{out} {}

  /// A map of `size` members follows; JSON does not need the number.
  void begin_map(size_t) { open('{'); }
  void end_map() { close('}'); }
  void begin_array(size_t) { open('['); }
  void end_array() { close(']'); }

  template <size_t N>
  void key(const char (&name)[N]) {
    if (comma_)
      out_.put(',');
    out_.put('"');
    out_.put(std::string_view{name, N - 1});
    out_.put("\":");
    comma_ = false;
  }
  void text(std::string_view x) {
    separate();
    auto unused = false;
    if (plain_run(x.data(), x.data() + x.size(), unused) != x.data() + x.size())
      return append_json_string(out_.flushed(), x);
    out_.put('"');
    out_.put(x);
    out_.put('"');
  }
  void integer(uint64_t x) {
    separate();
    char digits[20];
    auto end = std::to_chars(digits, digits + sizeof digits, x).ptr;
    out_.put(std::string_view{digits, static_cast<size_t>(end - digits)});
  }
  void real(double x) {
    separate();
    append_json_real(out_.flushed(), x);
  }
  void boolean(bool x) {
    separate();
    out_.put(x ? std::string_view{"true"} : std::string_view{"false"});
  }
  /// One value that is JSON already.
  void raw(std::string_view x) {
    separate();
    out_.put(x);
  }

private:
  void separate() {
    if (comma_)
      out_.put(',');
    comma_ = true;
  }
  void open(char c) {
    separate();
    out_.put(c);
    comma_ = false;
  }
  void close(char c) {
    out_.put(c);
    comma_ = true;
  }

  append_buffer out_;
  bool comma_ = false;
};

} // namespace stentor::net
