// SPDX-License-Identifier: Apache-2.0
#include "net/client/response_reader.hpp"

#include <utility> // before Asio, which misses it with this standard library

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <charconv>

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

struct response_reader::state {
  http::response_parser<http::string_body> parser;
  std::string held; ///< not taken by the parser yet
  bool begun = false;
};

response_reader::response_reader(size_t max_header_bytes, size_t max_body_bytes, bool is_head)
    : state_{std::make_unique<state>()} {
  auto &parser = state_->parser;
  parser.header_limit(static_cast<uint32_t>(max_header_bytes));
  parser.body_limit(max_body_bytes);
  parser.skip(is_head);
  parser.eager(true);
}

response_reader::~response_reader() = default;

response_reader::progress response_reader::feed(std::string_view bytes) {
  auto &[parser, held, begun] = *state_;
  begun = begun || !bytes.empty();
  held.append(bytes);
  while (!parser.is_done() && !held.empty()) {
    boost::system::error_code failure;
    auto taken = parser.put(boost::asio::buffer(held), failure);
    held.erase(0, taken);
    if (failure == http::error::need_more)
      return progress::more;
    if (failure)
      return progress::failed;
    if (taken == 0)
      break;
  }
  return parser.is_done() ? progress::done : progress::more;
}

response_reader::progress response_reader::feed_end() {
  auto &parser = state_->parser;
  boost::system::error_code failure;
  if (!parser.is_done() && parser.is_header_done())
    parser.put_eof(failure);
  return parser.is_done() && !failure ? progress::done : progress::failed;
}

bool response_reader::has_begun() const noexcept {
  return state_->begun;
}

http_response response_reader::take() {
  auto message = state_->parser.release();
  http_response out;
  out.status = static_cast<int>(message.result_int());
  out.keep_alive = message.keep_alive();
  out.body = std::move(message.body());
  for (auto &field : message)
    out.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
  return out;
}

std::string response_reader::take_rest() {
  return std::move(state_->held);
}

} // namespace stentor::net::client
