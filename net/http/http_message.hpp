// SPDX-License-Identifier: Apache-2.0
// A request as its handler sees it, the handler's interface, and what it may decide. Nothing here owns bytes:
// every view is valid during the call that shows it. Loop-confined.
#pragma once

#include "net/http/http_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

enum class http_method : uint8_t { get, head, post, put, patch, delete_, options, other };

/// The parts of one request head as offsets into its bytes, so that they survive the bytes' move into another
/// buffer. Reused from request to request.
struct http_head {
  struct part {
    uint16_t at = 0;
    uint16_t size = 0;
    std::string_view in(const char *bytes) const noexcept { return {bytes + at, size}; }
  };
  struct field {
    part name;
    part value;
  };

  http_method method = http_method::other;
  bool is_1_1 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expects_continue = false;
  bool is_absolute = false;       ///< the target was a whole URL, as proxies are sent; `path` is that of it
  std::optional<uint64_t> length; ///< `Content-Length`
  part path;                      ///< still percent-encoded, starts with '/' (or is "*")
  part query;                     ///< without the '?', still percent-encoded
  std::vector<field> fields;

  bool has_body() const noexcept { return chunked || length.value_or(0) > 0; }
};

class http_request {
public:
  http_request(const http_head &head, const char *bytes, std::string_view body) noexcept
      : head_{head}, bytes_{bytes}, body_{body} {}

  http_method method() const noexcept { return head_.method; }
  std::string_view path() const noexcept { return head_.path.in(bytes_); }
  std::string_view query() const noexcept { return head_.query.in(bytes_); }
  /// The first value of a header, trimmed; empty where absent. `lower_name` is in lower case.
  std::string_view header(std::string_view lower_name) const noexcept;
  bool has_header(std::string_view lower_name) const noexcept;
  /// The whole body in `on_request`, empty in `on_headers`. `event_loop::read_slack` readable bytes follow.
  std::string_view body() const noexcept { return body_; }
  bool has_body() const noexcept { return head_.has_body(); }
  const http_head &head() const noexcept { return head_; }

private:
  const http_head &head_;
  const char *bytes_;
  std::string_view body_;
};

/// What a handler decides once it saw the headers.
struct http_plan {
  enum class kind : uint8_t {
    whole,  ///< collect the body, then `on_request`
    stream, ///< `on_body` as it arrives, then `on_body_end`
    refuse, ///< answer `problem` now; the connection closes where a body was announced
  };
  kind what = kind::whole;
  size_t max_body = 0; ///< bytes after decoding; past it 413
  http_problem problem;
  std::string headers; ///< for `refuse`: more lines, each with its CRLF (`Allow`, `Retry-After`)

  static http_plan whole(size_t max_body) { return {kind::whole, max_body, {}, {}}; }
  static http_plan stream(size_t max_body) { return {kind::stream, max_body, {}, {}}; }
  static http_plan refuse(http_problem why, std::string headers = {}) {
    return {kind::refuse, 0, why, std::move(headers)};
  }
};

/// Implemented by whoever answers requests, one instance a connection. Requests come strictly one after
/// another: the next `on_headers` follows the end of the answer before. Calls may answer at once or later.
/// The connection may be destroyed in `on_http_end` only.
class http_events {
public:
  virtual ~http_events() = default;
  virtual http_plan on_headers(const http_request &request) = 0;
  /// The whole request, for `http_plan::whole`.
  virtual void on_request(const http_request &request) = 0;
  /// A piece of the body, for `http_plan::stream`. Returns the bytes taken; less than all stops the reading
  /// until `resume`, which shows the rest again.
  virtual size_t on_body(std::string_view piece) = 0;
  /// The streamed body is over. `why` is null where it came whole; otherwise it broke off (too large, too
  /// slow, malformed), the handler still answers, and the connection closes after that.
  virtual void on_body_end(const http_problem *why) = 0;
  /// Everything written so far was taken by the kernel after some had to wait.
  virtual void on_drained() {}
  /// The connection is gone, and with it the answer under way where `answering`.
  virtual void on_http_end(bool answering) = 0;
};

} // namespace stentor::net
