// SPDX-License-Identifier: Apache-2.0
// Reads MessagePack front to back, once, as views into the input: a declared size is compared with the bytes
// that are present and never allocated. No recursion. The same member functions as `json_reader`. Does not
// check that strings are UTF-8: no caller looks into them, and `transcode` checks what it turns into JSON.
#pragma once

#include "net/codec/value_kind.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace stentor::net {

class msgpack_reader {
public:
  explicit msgpack_reader(std::span<const char> bytes) noexcept
      : begin_{bytes.data()}, p_{bytes.data()}, end_{bytes.data() + bytes.size()} {}

  /// An open map or array while it is read: what is still to come.
  struct map {
    uint32_t left = 0;
  };
  struct array {
    uint32_t left = 0;
  };

  value_kind peek() const noexcept;

  bool enter(map &m) noexcept;
  /// Moves to the next member; its key must be a string. False at the end and after a failure; the caller
  /// reads exactly one value after each true.
  bool next(map &m, std::string_view &key) noexcept;
  bool enter(array &a) noexcept;
  bool next(array &a) noexcept;

  bool read(std::string_view &text) noexcept;
  bool read_binary(std::string_view &bytes) noexcept;
  bool read(number &x) noexcept;
  bool read(bool &x) noexcept;
  bool read_null() noexcept;

  /// Passes over one value, at most `max_depth` containers deep; `raw` gets its bytes.
  bool skip(std::string_view &raw) noexcept;

  /// Whether nothing follows; of a sequence of values, between two of them.
  bool at_end() const noexcept { return p_ == end_; }
  /// Whether nothing follows and nothing failed.
  bool finish() noexcept;

  const read_failure &failure() const noexcept { return failure_; }

private:
  bool fail(const char *text, errc code = errc::malformed) noexcept;
  size_t left() const noexcept { return static_cast<size_t>(end_ - p_); }
  bool take_big_endian(size_t bytes, uint64_t &x) noexcept;
  bool take_sized(size_t size_bytes, size_t more, std::string_view &body) noexcept;
  bool take_bytes(uint64_t size, std::string_view &body) noexcept;
  bool take_count(uint8_t fix, uint8_t wide, uint32_t &count) noexcept;
  bool step(bool &is_container, uint64_t &children) noexcept;

  const char *begin_;
  const char *p_;
  const char *end_;
  read_failure failure_;
};

} // namespace stentor::net
