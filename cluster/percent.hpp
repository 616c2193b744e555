// SPDX-License-Identifier: Apache-2.0
// Decodes percent-encoding (RFC 3986 section 2.1), for paths and queries of HTTP and for URLs in the
// configuration. It is in `cluster` because `net` and `storage` both need it and never include each other.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace stentor {

/// The value of a hexadecimal digit in either case, or -1.
constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// Appends `text` with its `%XX` decoded; everything else stays as it is. False, with `out` undefined, if an
/// escape is broken or a NUL, at which other readers of the text would stop.
[[nodiscard]] bool percent_decode(std::string_view text, std::string &out);

} // namespace stentor
