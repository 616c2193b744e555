// SPDX-License-Identifier: Apache-2.0
// Reads JSON (RFC 8259) front to back, once, without building anything: what is skipped is validated as
// strictly as what is read. No recursion, no allocation but for strings with escapes. Views point into the
// input or the scratch. UTF-8 is checked by `finish`, once, and only where a string was not plain ASCII.
// Loop-confined.
#pragma once

#include "net/codec/value_kind.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace stentor::net {

class json_reader {
public:
  /// `scratch` takes strings that had escapes; it grows to the input's size at most.
  json_reader(std::span<const char> bytes, std::string &scratch) noexcept
      : begin_{bytes.data()}, p_{bytes.data()}, end_{bytes.data() + bytes.size()}, scratch_{scratch} {
    scratch_.clear();
  }

  /// An open map or array while it is read.
  struct map {
    bool first = true;
  };
  struct array {
    bool first = true;
  };

  /// What the next value is, judged by its first character.
  value_kind peek() noexcept;

  bool enter(map &m) noexcept;
  /// Moves to the next member. False at the end and after a failure; the caller reads exactly one value after
  /// each true.
  bool next(map &m, std::string_view &key);
  bool enter(array &a) noexcept;
  bool next(array &a) noexcept;

  bool read(std::string_view &text);
  bool read(number &x) noexcept;
  bool read(bool &x) noexcept;
  bool read_null() noexcept;

  /// Passes over one value, at most `max_depth` containers deep; `raw` gets its text.
  bool skip(std::string_view &raw) noexcept;

  /// Whether nothing but white space follows, all read strings are UTF-8, and nothing failed.
  bool finish() noexcept;

  const read_failure &failure() const noexcept { return failure_; }

private:
  void skip_space() noexcept {
    if (p_ == end_ || static_cast<unsigned char>(*p_) > ' ')
      return; // the usual case, in one comparison
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t'))
      ++p_;
  }
  bool take(char c) noexcept;
  bool fail(const char *text, errc code = errc::malformed) noexcept;
  bool literal(std::string_view word) noexcept;
  bool skip_string(bool &escaped) noexcept;
  bool skip_escape() noexcept;
  bool skip_number(bool &integer) noexcept;
  bool skip_scalar() noexcept;
  std::string_view unescape(std::string_view inner);

  const char *begin_;
  const char *p_;
  const char *end_;
  std::string &scratch_;
  bool non_ascii_ = false;
  read_failure failure_;
};

} // namespace stentor::net
