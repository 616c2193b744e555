// SPDX-License-Identifier: Apache-2.0
// Small pieces of HTTP text: status phrases, lists, the error body and the `Date`
// header. Pure functions, any thread; `http_date` belongs to one loop.
#pragma once

#include "cluster/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net {

/// A refusal before or instead of an answer: the status and the members of the error body.
struct http_problem {
  int status = 400;
  std::string_view code;    ///< a static word, e.g. `too_large`
  std::string_view message; ///< one static sentence
};

/// The reason phrase; "Status" for codes we never send.
std::string_view status_phrase(int status) noexcept;

/// `{"error":{"code":"...","message":"..."}}`; both are UTF-8.
std::string error_body(std::string_view code, std::string_view message);

/// Whether `c` may stand in a token, as a field name is one (RFC 9110 section 5.6.2).
bool is_token(char c) noexcept;

/// Takes the first element that is not empty off a comma-separated list (RFC 9110 section 5.6.1), trimmed;
/// empty once there is none.
std::string_view next_element(std::string_view &list) noexcept;

/// Whether the comma-separated `list` has `lower`, which is in lower case; without regard to case.
bool lists_element(std::string_view list, std::string_view lower) noexcept;

/// Whether `a` equals `lower`, which is in lower case, without regard to the case of ASCII letters.
bool equals_lower(std::string_view a, std::string_view lower) noexcept;

/// The `Date` header line, rendered at most once a second (RFC 9110 section 6.6.1).
class http_date {
public:
  using wall_clock = wall_ms (*)();
  static wall_ms system_clock() noexcept;

  explicit http_date(wall_clock clock = &system_clock) noexcept : clock_{clock} {}

  /// `Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n`, valid until the next call.
  std::string_view line(time_point now);

private:
  wall_clock clock_;
  time_point stale_at_ = time_point::min();
  std::string line_;
};

} // namespace stentor::net
