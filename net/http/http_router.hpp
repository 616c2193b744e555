// SPDX-License-Identifier: Apache-2.0
// Which handler a method and a path select: a short list of patterns, filled at start, then read only.
// Patterns are segments, literal or `{name}`, and may end in `/*` for everything below. Pure, any thread once
// filled.
#pragma once

#include "net/http/http_message.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

/// What a path came to.
struct http_match {
  static constexpr size_t max_params = 2;

  enum class kind : uint8_t {
    found,
    no_path,   ///< 404
    no_method, ///< 405 with `allow`
    bad_path,  ///< 400: a broken percent escape
  };
  kind what = kind::no_path;
  int route = -1;                             ///< the number given to `add`
  std::array<std::string, max_params> params; ///< decoded, in the order of the pattern
  std::string allow;                          ///< e.g. `GET, HEAD`

  /// The line for a 405, with its CRLF.
  std::string allow_header() const { return "Allow: " + allow + "\r\n"; }
};

class http_router {
public:
  /// `pattern` is text that outlives the router. Earlier patterns win over later ones.
  void add(http_method method, std::string_view pattern, int route);

  /// `path` is still percent-encoded; it is cut at '/' before it is decoded, so `%2F` never makes a segment.
  /// HEAD finds what GET does.
  http_match match(http_method method, std::string_view path) const;

private:
  struct entry {
    http_method method;
    std::string_view pattern;
    int route;
  };
  std::vector<entry> entries_;
};

} // namespace stentor::net
