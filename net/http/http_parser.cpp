// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_parser.hpp"

#include <iterator>
#include <limits>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace stentor::net {

namespace {

namespace http = boost::beast::http;
using error_code = boost::system::error_code;

constexpr http_problem malformed{400, "malformed", "the request does not parse as HTTP/1.1"};
constexpr http_problem bad_version{505, "version", "only HTTP/1.0 and HTTP/1.1 are supported"};
constexpr http_problem bad_target{400, "malformed", "the request target is not a path"};
constexpr http_problem bad_host{400, "malformed", "HTTP/1.1 needs exactly one Host header"};
constexpr http_problem bad_repetition{400, "malformed", "a header that may appear once appears twice"};
constexpr http_problem bad_folding{400, "malformed", "a header is folded over several lines"};
constexpr http_problem bad_length{400, "malformed", "Content-Length is not one decimal number"};
constexpr http_problem bad_framing{400, "malformed", "Content-Length and Transfer-Encoding conflict"};
constexpr http_problem bad_encoding{501, "transfer_encoding",
                                    "the only supported transfer encoding is chunked"};
constexpr http_problem bad_expectation{417, "expectation", "the only supported expectation is 100-continue"};
constexpr http_problem too_many_fields{431, "header_too_large", "too many headers"};

http_method method_of(http::verb verb) noexcept {
  // Not a switch over all of them: WebDAV's many verbs are all `other` here.
  if (verb == http::verb::get)
    return http_method::get;
  if (verb == http::verb::post)
    return http_method::post;
  if (verb == http::verb::head)
    return http_method::head;
  if (verb == http::verb::put)
    return http_method::put;
  if (verb == http::verb::delete_)
    return http_method::delete_;
  if (verb == http::verb::patch)
    return http_method::patch;
  if (verb == http::verb::options)
    return http_method::options;
  return http_method::other;
}

/// The header's bit in a set of those of which one value is meant; 0 for one that may stand any number of
/// times. Of two, the proxy in front may go by one and we by the other.
unsigned single_bit(http::field field, std::string_view name) noexcept {
  constexpr http::field single[] = {http::field::host,
                                    http::field::content_length,
                                    http::field::content_type,
                                    http::field::authorization,
                                    http::field::origin,
                                    http::field::expect,
                                    http::field::sec_websocket_key,
                                    http::field::sec_websocket_version};
  for (size_t i = 0; i < std::size(single); ++i)
    if (field == single[i])
      return 1U << i;
  // Beast has no name for ours.
  return field == http::field::unknown && equals_lower(name, "idempotency-key") ? 1U << std::size(single) : 0;
}

std::string_view view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Beast calls it for each part of the head; it writes down where they lie. `problem_` is set wherever it
/// stops the parser itself.
class head_parser final : public http::basic_parser<true> {
public:
  head_parser(std::string_view bytes, http_head &head) noexcept : bytes_{bytes}, head_{head} {}

  const http_problem *run() {
    header_limit(static_cast<uint32_t>(bytes_.size()) + 1);
    // Whoever answers decides, after it saw the head. Not `boost::none`: 1.74 compares that as less than all.
    body_limit(std::numeric_limits<uint64_t>::max());
    error_code ec;
    put(boost::asio::const_buffer{bytes_.data(), bytes_.size()}, ec);
    if (problem_)
      return problem_;
    if (ec == http::error::bad_version)
      return &bad_version;
    if (ec == http::error::bad_content_length)
      return &bad_length;
    if (ec == http::error::bad_transfer_encoding)
      return &bad_framing;
    if (ec || !is_header_done())
      return &malformed;
    return check();
  }

private:
  void refuse(const http_problem &why, error_code &ec) {
    problem_ = &why;
    ec = http::error::bad_field;
  }

  http_head::part part_of(std::string_view text) const noexcept {
    return {static_cast<uint16_t>(text.data() - bytes_.data()), static_cast<uint16_t>(text.size())};
  }

  void on_request_impl(http::verb verb, boost::beast::string_view, boost::beast::string_view beast_target,
                       int version, error_code &ec) override {
    head_.method = method_of(verb);
    head_.is_1_1 = version == 11;
    auto target = view(beast_target);
    if (target.starts_with("http://")) { // absolute form, RFC 9112 section 3.2.2
      head_.is_absolute = true;
      target.remove_prefix(7);
      auto slash = target.find('/');
      if (slash == target.npos)
        return refuse(bad_target, ec);
      target.remove_prefix(slash);
    }
    if (target != "*" && !target.starts_with('/'))
      return refuse(bad_target, ec);
    target = target.substr(0, target.find('#'));
    auto mark = target.find('?');
    head_.path = part_of(target.substr(0, mark));
    head_.query = mark == target.npos ? http_head::part{} : part_of(target.substr(mark + 1));
  }

  void on_field_impl(http::field field, boost::beast::string_view beast_name,
                     boost::beast::string_view beast_value, error_code &ec) override {
    auto name = view(beast_name);
    auto value = view(beast_value);
    // A folded value was put together outside our bytes, or has a line end between name and value.
    auto gap_begin = name.data() + name.size();
    if (value.empty())
      value = {gap_begin, 0};
    if (value.data() < gap_begin || value.data() + value.size() > bytes_.data() + bytes_.size() ||
        std::string_view{gap_begin, static_cast<size_t>(value.data() - gap_begin)}.find('\n') !=
            std::string_view::npos)
      return refuse(bad_folding, ec);
    if (head_.fields.size() >= max_http_fields)
      return refuse(too_many_fields, ec);
    head_.fields.push_back({part_of(name), part_of(value)});
    if (auto bit = single_bit(field, name); (seen_ & bit) != 0)
      return refuse(field == http::field::host ? bad_host : bad_repetition, ec);
    else
      seen_ |= bit;
    if (field == http::field::host) {
      has_host_ = true;
    } else if (field == http::field::content_length) {
      // Beast takes "5, 5"; another reader may not.
      if (value.empty() || value.find_first_not_of("0123456789") != value.npos)
        return refuse(bad_length, ec);
    } else if (field == http::field::transfer_encoding) {
      // Beast reads "gzip" or "chunked, gzip" as "no body": the classic way to smuggle a request.
      if (!equals_lower(value, "chunked"))
        return refuse(bad_encoding, ec);
      if (!head_.is_1_1)
        return refuse(bad_framing, ec);
    } else if (field == http::field::expect) {
      if (!equals_lower(value, "100-continue"))
        return refuse(bad_expectation, ec);
      head_.expects_continue = head_.is_1_1;
    }
  }

  const http_problem *check() {
    if (head_.is_1_1 && !has_host_) // probes of HTTP/1.0 have none
      return &bad_host;
    head_.keep_alive = keep_alive();
    head_.chunked = chunked();
    if (auto length = content_length())
      head_.length = *length;
    return nullptr;
  }

  void on_header_impl(error_code &) override {}
  void on_body_init_impl(const boost::optional<uint64_t> &, error_code &) override {}
  size_t on_body_impl(boost::beast::string_view body, error_code &) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, boost::beast::string_view, error_code &) override {}
  size_t on_chunk_body_impl(uint64_t, boost::beast::string_view body, error_code &) override {
    return body.size();
  }
  void on_finish_impl(error_code &) override {}
  void on_response_impl(int, boost::beast::string_view, int, error_code &) override {}

  std::string_view bytes_;
  http_head &head_;
  const http_problem *problem_ = nullptr;
  unsigned seen_ = 0; ///< of `single_bit`
  bool has_host_ = false;
};

} // namespace

const http_problem *parse_http_head(std::string_view bytes, http_head &head) {
  head.method = http_method::other;
  head.is_1_1 = true;
  head.fields.clear();
  head.length.reset();
  head.chunked = head.expects_continue = head.is_absolute = false;
  head.path = head.query = {};
  if (bytes.size() > max_http_head_bytes)
    return &too_many_fields;
  return head_parser{bytes, head}.run();
}

std::string_view http_request::header(std::string_view lower_name) const noexcept {
  for (auto &field : head_.fields)
    if (equals_lower(field.name.in(bytes_), lower_name))
      return field.value.in(bytes_);
  return {};
}

bool http_request::has_header(std::string_view lower_name) const noexcept {
  for (auto &field : head_.fields)
    if (equals_lower(field.name.in(bytes_), lower_name))
      return true;
  return false;
}

} // namespace stentor::net
