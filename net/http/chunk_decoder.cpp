// SPDX-License-Identifier: Apache-2.0
#include "net/http/chunk_decoder.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

// 8 digits, 4 GiB: far above every limit, far below an overflow.
constexpr uint8_t max_size_digits = 8;

bool is_text(char c) noexcept {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
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

/// One byte of framing; false where it may not stand there.
bool chunk_decoder::step(char c) {
  switch (at_) {
  case at::size: {
    auto lower = static_cast<char>(c | 0x20);
    auto digit = c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    if (digit >= 0) {
      left_ = left_ * 16 + static_cast<uint64_t>(digit);
      return ++digits_ <= max_size_digits;
    }
    if (digits_ == 0)
      return false;
    skipped_ = 0;
    at_ = c == '\r' ? at::size_lf : at::extension;
    return c == '\r' || c == ';' || c == ' ' || c == '\t';
  }
  case at::extension:
    if (c == '\r') {
      at_ = at::size_lf;
      return true;
    }
    return is_text(c) && ++skipped_ <= max_extension_bytes;
  case at::size_lf:
    at_ = left_ > 0 ? at::data : at::trailer;
    digits_ = 0;
    skipped_ = 0;
    line_is_empty_ = true;
    return c == '\n';
  case at::data_cr:
    at_ = at::data_lf;
    return c == '\r';
  case at::data_lf:
    at_ = at::size;
    return c == '\n';
  case at::trailer:
    if (c == '\r') {
      at_ = line_is_empty_ ? at::last_lf : at::trailer_lf;
      return true;
    }
    line_is_empty_ = false;
    return is_text(c) && ++skipped_ <= max_trailer_bytes;
  case at::trailer_lf:
    at_ = at::trailer;
    line_is_empty_ = true;
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

} // namespace stentor::net
