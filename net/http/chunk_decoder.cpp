// SPDX-License-Identifier: Apache-2.0
#include "net/http/chunk_decoder.hpp"

#include "cluster/percent.hpp"
#include "net/http/http_text.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

/// Of a quoted string or a field's value; bytes above 0x7F are `obs-text`.
bool is_text(char c) noexcept {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

} // namespace

chunk_decoder::status chunk_decoder::next(std::string_view &bytes, std::string_view &piece) {
  while (!bytes.empty()) {
    if (at_ == at::data) {
      piece = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
      return status::piece;
    }
    if (at_ == at::done)
      return status::done;
    if (!step(bytes.front()))
      return status::broken;
    bytes.remove_prefix(1);
  }
  return at_ == at::done ? status::done : status::more;
}

void chunk_decoder::take(std::string_view &bytes, size_t n) noexcept {
  bytes.remove_prefix(n);
  left_ -= n;
  if (left_ == 0)
    at_ = at::data_cr;
}

/// One byte of framing; false if it is not allowed there. Byte by byte, because a body may be cut anywhere
/// and no line of its framing is kept.
bool chunk_decoder::step(char c) noexcept {
  switch (at_) {
  case at::size: {
    if (auto digit = hex_digit(c); digit >= 0) {
      left_ = left_ * 16 + static_cast<uint64_t>(digit);
      return ++digits_ <= max_size_digits;
    }
    at_ = at::extension;
    extensions_ = {};
    skipped_ = 0;
    return digits_ > 0 && step(c);
  }
  case at::extension:
    if (!extensions_.step(c))
      return false;
    if (extensions_.at_ == extensions::at::line_end)
      at_ = at::size_lf;
    return ++skipped_ <= max_extension_bytes;
  case at::size_lf:
    at_ = left_ > 0 ? at::data : at::trailer;
    digits_ = 0;
    skipped_ = 0;
    return c == '\n';
  case at::data_cr:
    at_ = at::data_lf;
    return c == '\r';
  case at::data_lf:
    at_ = at::size;
    return c == '\n';
  case at::trailer:
    at_ = c == '\r' ? at::last_lf : at::trailer_name;
    return c == '\r' || (is_token(c) && ++skipped_ <= max_trailer_bytes);
  case at::trailer_name:
    if (c == ':')
      at_ = at::trailer_value;
    return (c == ':' || is_token(c)) && ++skipped_ <= max_trailer_bytes;
  case at::trailer_value:
    if (c == '\r')
      at_ = at::trailer_lf;
    return (c == '\r' || is_text(c)) && ++skipped_ <= max_trailer_bytes;
  case at::trailer_lf:
    at_ = at::trailer;
    return c == '\n';
  case at::last_lf:
    at_ = at::done;
    return c == '\n';
  case at::data:
  case at::done:
    break;
  }
  return false;
}

bool chunk_decoder::extensions::step(char c) noexcept {
  switch (at_) {
  case at::end_of_one:
    return end_one(c, at::gap);
  case at::gap:
    return is_blank(c) || (c == ';' && end_one(c, at::gap));
  case at::before_name:
    if (is_token(c))
      at_ = at::name;
    return is_blank(c) || is_token(c);
  case at::name:
    return is_token(c) || end_one(c, at::name_gap);
  case at::name_gap:
    return is_blank(c) || ((c == ';' || c == '=') && end_one(c, at::name_gap));
  case at::before_value:
    if (c == '"')
      at_ = at::quoted;
    else if (is_token(c))
      at_ = at::token;
    return c == '"' || is_blank(c) || is_token(c);
  case at::token:
    return is_token(c) || end_one(c, at::gap);
  case at::quoted:
    if (c == '"')
      at_ = at::end_of_one;
    else if (c == '\\')
      at_ = at::escaped;
    return is_text(c);
  case at::escaped:
    at_ = at::quoted;
    return is_text(c);
  case at::line_end:
    break;
  }
  return false;
}

/// Behind a size, a name or a value: the line's end, another extension, the name's value, or `blanks`.
bool chunk_decoder::extensions::end_one(char c, at blanks) noexcept {
  auto may_have_value = blanks == at::name_gap;
  if (c == '\r')
    at_ = at::line_end;
  else if (c == ';')
    at_ = at::before_name;
  else if (c == '=' && may_have_value)
    at_ = at::before_value;
  else if (is_blank(c))
    at_ = blanks;
  else
    return false;
  return true;
}

} // namespace stentor::net
