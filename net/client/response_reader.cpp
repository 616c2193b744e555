// SPDX-License-Identifier: Apache-2.0
#include "net/client/response_reader.hpp"

#include "net/http/chunk_decoder.hpp"

#include <utility> // before Asio, which misses it with this standard library

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace stentor::net::client {

namespace http = boost::beast::http;

std::string_view http_response::header(std::string_view name) const noexcept {
  for (auto &[key, value] : headers)
    if (boost::beast::iequals({key.data(), key.size()}, {name.data(), name.size()}))
      return value;
  return {};
}

uint32_t http_response::retry_after_s() const noexcept {
  auto text = header("Retry-After");
  uint32_t seconds = 0;
  auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failure != std::errc{} || stop != text.data() + text.size())
    return 0;
  return std::min(seconds, uint32_t{86400});
}

namespace {

/// How the end of a body is found (RFC 9112 section 6.3).
enum class framing : uint8_t { none, sized, chunked, to_the_end };

/// A response's head, with Beast's parser; nothing if it is no response, or its body's end is open to doubt.
struct response_head {
  http_response response;
  framing body = framing::none;
  uint64_t length = 0;
};

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::optional<response_head> read_head(std::string_view bytes) {
  http::response_parser<http::empty_body> parser;
  parser.skip(true); // the head only: bodies are framed here
  parser.header_limit(static_cast<uint32_t>(bytes.size() + 1));
  boost::system::error_code failure;
  parser.put(boost::asio::const_buffer{bytes.data(), bytes.size()}, failure);
  if (failure || !parser.is_header_done())
    return {};
  auto &message = parser.get();
  if (message.count(http::field::content_length) > 1)
    return {};
  response_head head;
  head.response.status = static_cast<int>(message.result_int());
  if (message.count(http::field::transfer_encoding) > 0) {
    // Beast reads "gzip" and "chunked, gzip" as "until the end".
    if (!boost::beast::iequals(message[http::field::transfer_encoding], "chunked"))
      return {};
    head.body = framing::chunked;
  } else if (auto length = parser.content_length()) {
    head.body = framing::sized;
    head.length = *length;
  } else {
    head.body = framing::to_the_end;
  }
  if (has_no_body(head.response.status))
    head.body = framing::none;
  head.response.keep_alive = parser.keep_alive() && head.body != framing::to_the_end;
  for (auto &field : message)
    head.response.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
  return head;
}

} // namespace

struct response_reader::state {
  size_t max_header, max_body;
  bool is_head;
  bool begun = false, head_done = false;
  progress now = progress::more;
  response_head head;
  chunk_decoder chunks;
  std::string held; ///< the head as far as it came, later what came behind the response

  progress take_body(std::string_view &bytes);
  progress take_chunks(std::string_view &bytes);
  bool keep(std::string_view piece);
};

/// Adds a piece of the body; false past the limit.
bool response_reader::state::keep(std::string_view piece) {
  auto &body = head.response.body;
  if (piece.size() > max_body - body.size())
    return false;
  body += piece;
  return true;
}

response_reader::progress response_reader::state::take_chunks(std::string_view &bytes) {
  for (;;) {
    std::string_view piece;
    switch (chunks.next(bytes, piece)) {
    case chunk_decoder::status::more:
      return progress::more;
    case chunk_decoder::status::done:
      return progress::done;
    case chunk_decoder::status::broken:
      return progress::failed;
    case chunk_decoder::status::piece:
      if (!keep(piece))
        return progress::failed;
      chunks.take(bytes, piece.size());
      break;
    }
  }
}

/// Takes of `bytes` what belongs to the response.
response_reader::progress response_reader::state::take_body(std::string_view &bytes) {
  switch (head.body) {
  case framing::none:
    return progress::done;
  case framing::chunked:
    return take_chunks(bytes);
  case framing::to_the_end:
    return keep(std::exchange(bytes, {})) ? progress::more : progress::failed;
  case framing::sized: {
    if (head.length > max_body)
      return progress::failed;
    auto piece = bytes.substr(0, static_cast<size_t>(head.length) - head.response.body.size());
    bytes.remove_prefix(piece.size());
    keep(piece);
    return head.response.body.size() == head.length ? progress::done : progress::more;
  }
  }
  return progress::failed;
}

response_reader::response_reader(size_t max_header_bytes, size_t max_body_bytes, bool is_head)
    : state_{std::make_unique<state>(max_header_bytes, max_body_bytes, is_head)} {}

response_reader::~response_reader() = default;

response_reader::progress response_reader::feed(std::string_view bytes) {
  auto &s = *state_;
  s.begun = s.begun || !bytes.empty();
  if (s.now != progress::more) {
    s.held += bytes;
    return s.now;
  }
  std::string first;
  if (!s.head_done) {
    auto from = s.held.size() - std::min(s.held.size(), size_t{3});
    s.held += bytes;
    auto end = s.held.find("\r\n\r\n", from);
    if (end == s.held.npos ? s.held.size() > s.max_header : end + 4 > s.max_header)
      return s.now = progress::failed;
    if (end == s.held.npos)
      return progress::more;
    first = std::exchange(s.held, {});
    auto head = read_head(std::string_view{first}.substr(0, end + 4));
    if (!head)
      return s.now = progress::failed;
    s.head = std::move(*head);
    s.head_done = true;
    if (s.is_head)
      s.head.body = framing::none;
    bytes = std::string_view{first}.substr(end + 4);
  }
  s.now = s.take_body(bytes);
  s.held = bytes;
  return s.now;
}

response_reader::progress response_reader::feed_end() {
  auto &s = *state_;
  if (s.now == progress::more)
    s.now = s.head_done && s.head.body == framing::to_the_end ? progress::done : progress::failed;
  return s.now;
}

bool response_reader::has_begun() const noexcept {
  return state_->begun;
}

http_response response_reader::take() {
  return std::move(state_->head.response);
}

std::string response_reader::take_rest() {
  return std::move(state_->held);
}

} // namespace stentor::net::client
