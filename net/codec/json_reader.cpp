// SPDX-License-Identifier: Apache-2.0
#include "net/codec/json_reader.hpp"

#include "net/codec/json_string.hpp"
#include "net/codec/protocol.hpp"

#include <simdjson.h>

#include <charconv>
#include <cstring>

namespace stentor::net {

namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

} // namespace

bool json_reader::fail(const char *text, errc code) noexcept {
  if (!failure_)
    failure_ = {code, text, static_cast<size_t>(p_ - begin_)};
  return false;
}

bool json_reader::take(char c) noexcept {
  if (p_ == end_ || *p_ != c)
    return false;
  ++p_;
  return true;
}

value_kind json_reader::peek() noexcept {
  skip_space();
  if (p_ == end_)
    return value_kind::none;
  switch (*p_) {
  case '{':
    return value_kind::map;
  case '[':
    return value_kind::array;
  case '"':
    return value_kind::string;
  case 't':
  case 'f':
    return value_kind::boolean;
  case 'n':
    return value_kind::null;
  default:
    return is_digit(*p_) || *p_ == '-' ? value_kind::number : value_kind::none;
  }
}

// -- containers ----

bool json_reader::enter(map &m) noexcept {
  skip_space();
  m.first = true;
  return take('{') || fail("an object is missing");
}

bool json_reader::enter(array &a) noexcept {
  skip_space();
  a.first = true;
  return take('[') || fail("an array is missing");
}

bool json_reader::next(map &m, std::string_view &key) {
  if (failure_)
    return false;
  skip_space();
  if (take('}'))
    return false;
  if (!m.first) {
    if (!take(','))
      return fail("a comma or a closing brace is missing");
    skip_space();
  }
  m.first = false;
  if (!read(key))
    return false;
  skip_space();
  return take(':') || fail("a colon is missing");
}

bool json_reader::next(array &a) noexcept {
  if (failure_)
    return false;
  skip_space();
  if (take(']'))
    return false;
  if (!a.first && !take(','))
    return fail("a comma or a closing bracket is missing");
  a.first = false;
  return true;
}

// -- scalars ----

bool json_reader::literal(std::string_view word) noexcept {
  if (static_cast<size_t>(end_ - p_) < word.size() || std::memcmp(p_, word.data(), word.size()) != 0)
    return fail("this is not a value");
  p_ += word.size();
  return true;
}

bool json_reader::skip_escape() noexcept {
  if (end_ - p_ < 2)
    return fail("the text ends inside a string");
  switch (p_[1]) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
    p_ += 2;
    return true;
  case 'u':
    break;
  default:
    return fail("this escape is unknown");
  }
  auto code = end_ - p_ >= 6 ? hex4(p_ + 2) : -1;
  if (code < 0)
    return fail("an escape needs four hexadecimal digits");
  if (is_low_surrogate(code))
    return fail("half of a surrogate pair is missing");
  if (is_high_surrogate(code)) {
    // A lone half is no character: strict parsers at the receiver would refuse the whole frame.
    if (end_ - p_ < 12 || p_[6] != '\\' || p_[7] != 'u' || !is_low_surrogate(hex4(p_ + 8)))
      return fail("half of a surrogate pair is missing");
    p_ += 6;
  }
  p_ += 6;
  return true;
}

bool json_reader::skip_string(bool &escaped) noexcept {
  if (!take('"'))
    return fail("a string is missing");
  for (;;) {
    auto non_ascii = false;
    p_ = plain_run(p_, end_, non_ascii);
    non_ascii_ |= non_ascii;
    if (p_ == end_)
      return fail("the text ends inside a string");
    if (*p_ == '"') {
      ++p_;
      return true;
    }
    if (*p_ != '\\')
      return fail("a string holds a bare control character");
    escaped = true;
    if (!skip_escape())
      return false;
  }
}

std::string_view json_reader::unescape(std::string_view inner) {
  // Never reallocates after the first time: earlier views point into it, and all strings together are
  // shorter than the input.
  if (scratch_.empty())
    scratch_.reserve(static_cast<size_t>(end_ - begin_));
  auto start = scratch_.size();
  append_unescaped(scratch_, inner);
  return std::string_view{scratch_}.substr(start);
}

bool json_reader::read(std::string_view &text) {
  skip_space();
  auto escaped = false;
  auto start = p_;
  if (!skip_string(escaped))
    return false;
  text = {start + 1, static_cast<size_t>(p_ - start) - 2};
  if (escaped)
    text = unescape(text);
  return true;
}

bool json_reader::skip_number(bool &integer) noexcept {
  integer = true;
  take('-');
  if (p_ == end_ || !is_digit(*p_))
    return fail("a number needs digits");
  if (!take('0'))
    while (p_ != end_ && is_digit(*p_))
      ++p_;
  if (take('.')) {
    integer = false;
    if (p_ == end_ || !is_digit(*p_))
      return fail("a number needs digits after its point");
    while (p_ != end_ && is_digit(*p_))
      ++p_;
  }
  if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
    integer = false;
    ++p_;
    if (!take('-'))
      take('+');
    if (p_ == end_ || !is_digit(*p_))
      return fail("a number needs digits in its exponent");
    while (p_ != end_ && is_digit(*p_))
      ++p_;
  }
  return true;
}

bool json_reader::read(number &x) noexcept {
  skip_space();
  auto start = p_;
  auto integer = true;
  if (!skip_number(integer))
    return false;
  auto is_good = [this](std::from_chars_result r) { return r.ec == std::errc{} && r.ptr == p_; };
  x.type = number::kind::beyond;
  if (integer && !(p_ - start == 2 && start[0] == '-' && start[1] == '0')) {
    if (*start == '-') {
      if (is_good(std::from_chars(start, p_, x.i)))
        x.type = number::kind::negative;
    } else if (is_good(std::from_chars(start, p_, x.u))) {
      x.type = number::kind::natural;
    }
  } else if (is_good(std::from_chars(start, p_, x.d))) {
    x.type = number::kind::real;
  }
  return true;
}

bool json_reader::read(bool &x) noexcept {
  skip_space();
  x = p_ != end_ && *p_ == 't';
  return literal(x ? "true" : "false");
}

bool json_reader::read_null() noexcept {
  skip_space();
  return literal("null");
}

// -- whole values ----

bool json_reader::skip_scalar() noexcept {
  auto unused = false;
  switch (*p_) {
  case '"':
    return skip_string(unused);
  case 't':
    return literal("true");
  case 'f':
    return literal("false");
  case 'n':
    return literal("null");
  default:
    if (*p_ != '-' && !is_digit(*p_))
      return fail("this is not a value");
    return skip_number(unused);
  }
}

// A loop with a bit per open container instead of recursion: a client chooses the depth, and must not choose
// how much stack is used. The value is checked as strictly as one that is read, since it is forwarded as it
// came.
bool json_reader::skip(std::string_view &raw) noexcept {
  skip_space();
  auto start = p_;
  uint64_t objects = 0; // a bit for each open container: 1 for an object, the innermost lowest
  static_assert(max_depth <= 64);
  size_t depth = 0;
  auto expects_key = false;
  for (;;) {
    skip_space();
    if (expects_key) {
      auto unused = false;
      if (!skip_string(unused))
        return false;
      skip_space();
      if (!take(':'))
        return fail("a colon is missing");
      skip_space();
      expects_key = false;
    }
    if (p_ == end_)
      return fail("the text ends where a value is expected");
    if (*p_ == '{' || *p_ == '[') {
      if (depth == max_depth)
        return fail("this nests deeper than 32 levels", errc::too_deep);
      ++depth;
      auto is_object = *p_++ == '{';
      objects = objects << 1 | (is_object ? 1 : 0);
      skip_space();
      if (p_ == end_ || *p_ != (is_object ? '}' : ']')) {
        expects_key = is_object;
        continue;
      }
    } else if (!skip_scalar()) {
      return false;
    }
    // After a value, or before the end of an empty container: close what ends here.
    for (;;) {
      if (depth == 0) {
        raw = {start, static_cast<size_t>(p_ - start)};
        return true;
      }
      skip_space();
      if (!take((objects & 1) != 0 ? '}' : ']'))
        break;
      objects >>= 1;
      --depth;
    }
    if (!take(','))
      return fail("a comma or the end of an object or array is missing");
    expects_key = (objects & 1) != 0;
  }
}

bool json_reader::finish() noexcept {
  if (failure_)
    return false;
  skip_space();
  if (p_ != end_)
    return fail("something follows the value");
  if (non_ascii_ && !simdjson::validate_utf8(begin_, static_cast<size_t>(end_ - begin_)))
    return fail("the text is not UTF-8");
  return true;
}

} // namespace stentor::net
