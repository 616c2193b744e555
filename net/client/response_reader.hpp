// SPDX-License-Identifier: Apache-2.0
// Reads one HTTP response from bytes as they come: for the API client and for the answer to an upgrade.
// Beast's parser reads the head, `chunk_decoder` a chunked body (docs/decisions/0023). Without sockets; one
// owner. Every byte is hostile: header and body are bounded, and a body whose end is ambiguous is an error.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stentor::net::client {

struct http_response {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool keep_alive = false;

  /// The first header of that name, in any case; empty where absent.
  std::string_view header(std::string_view name) const noexcept;
  /// The `Retry-After` in seconds (at most a day); 0 where absent or a date.
  uint32_t retry_after_s() const noexcept;
};

class response_reader {
public:
  enum class progress : uint8_t { more, done, failed };

  /// `is_head`: the answer to a HEAD request, which has no body.
  response_reader(size_t max_header_bytes, size_t max_body_bytes, bool is_head = false);
  ~response_reader();

  progress feed(std::string_view bytes);
  /// The peer closed: the end of a body without a length.
  progress feed_end();
  /// Whether a byte of the response came.
  bool has_begun() const noexcept;

  /// After `done`.
  http_response take();
  /// What came behind the response: after a 101 the first frames.
  std::string take_rest();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace stentor::net::client
