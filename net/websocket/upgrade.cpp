// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/upgrade.hpp"

#include <utility> // before Boost 1.74, which forgets it

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace stentor::net {

namespace {

namespace http = boost::beast::http;
using view = boost::beast::string_view;

constexpr std::string_view json_name = "stentor.v1.json";
constexpr std::string_view msgpack_name = "stentor.v1.msgpack";
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 1.3

std::string_view std_view(view x) {
  return {x.data(), x.size()};
}

/// A key is 16 bytes in base64.
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

std::string accept_key(std::string_view key) {
  auto text = std::string{key}.append(accept_guid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded;
  auto size = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<const char *>(encoded.data()), static_cast<size_t>(size)};
}

/// Whether any header `name` lists `token`; a header may be there more than once.
bool lists(const http::fields &headers, http::field name, view token) {
  auto [first, last] = headers.equal_range(name);
  return std::any_of(first, last, [&](const auto &f) { return http::token_list{f.value()}.exists(token); });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

} // namespace

struct upgrade_head::fields {
  http::request_parser<http::empty_body> parser;
};

upgrade_head::upgrade_head() : fields_{std::make_unique<fields>()} {}
upgrade_head::~upgrade_head() = default;

upgrade_answer upgrade_head::parse(std::string_view head) try {
  boost::beast::error_code error;
  auto &parser = fields_->parser;
  parser.header_limit(static_cast<uint32_t>(std::min<size_t>(head.size(), UINT32_MAX)));
  parser.put(boost::asio::const_buffer{head.data(), head.size()}, error);
  if (error || !parser.is_header_done())
    return {400, "This is not an HTTP/1.1 request."};
  return parse_fields();
} catch (...) { // the parser allocates
  return {503, "Out of memory."};
}

upgrade_answer upgrade_head::parse_fields() {
  auto &parser = fields_->parser;
  auto &message = parser.get();
  if (message.method() != http::verb::get)
    return {405, "Only GET opens a WebSocket."};
  if (message.version() != 11)
    return {400, "HTTP/1.1 is required."};
  auto target = std_view(message.target());
  if (!target.starts_with('/'))
    return {400, "The request target must be a path."};
  if (parser.chunked() || parser.content_length().value_or(0) > 0)
    return {400, "An upgrade request has no body."};
  if (!lists(message, http::field::upgrade, "websocket"))
    return {426, "This is a WebSocket endpoint: the header Upgrade: websocket is missing."};
  if (!lists(message, http::field::connection, "upgrade"))
    return {400, "The header Connection: Upgrade is missing."};
  if (message[http::field::sec_websocket_version] != "13")
    return {426, "Sec-WebSocket-Version must be 13."};
  key_ = std_view(message[http::field::sec_websocket_key]);
  if (!is_key(key_))
    return {400, "Sec-WebSocket-Key must be 16 bytes in base64."};

  auto question = std::min(target.find('?'), target.size());
  request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(question + 1, target.size()));
  request_.authorization = std_view(message[http::field::authorization]);
  request_.origin = std_view(message[http::field::origin]);
  auto [first, last] = message.equal_range(http::field::sec_websocket_protocol);
  for (; first != last; ++first)
    for (auto name : http::token_list{first->value()}) {
      request_.offered_subprotocols = true;
      auto is_json = std_view(name) == json_name;
      if (!is_json && std_view(name) != msgpack_name)
        continue;
      auto f = is_json ? format::json : format::msgpack;
      offered_[static_cast<size_t>(f)] = true;
      if (!request_.wanted) // the client names what it likes best first
        request_.wanted = f;
    }
  return {};
}

std::string upgrade_head::accept(format chosen) const {
  std::string out = "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: ";
  out += accept_key(key_);
  out += "\r\n";
  if (offered_[static_cast<size_t>(chosen)]) {
    out += "Sec-WebSocket-Protocol: ";
    out += chosen == format::json ? json_name : msgpack_name;
    out += "\r\n";
  }
  return out += "\r\n";
}

std::string refusal(const upgrade_answer &answer) {
  auto status = static_cast<unsigned>(answer.status);
  std::string out = "HTTP/1.1 " + std::to_string(status) + ' ';
  out += std_view(http::obsolete_reason(http::int_to_status(status)));
  out += "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ";
  out += std::to_string(answer.reason.size() + 1);
  if (status == 401)
    out += "\r\nWWW-Authenticate: Bearer";
  if (status == 405)
    out += "\r\nAllow: GET";
  if (status == 426)
    out += "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
  if (answer.retry_after_s > 0)
    out += "\r\nRetry-After: " + std::to_string(answer.retry_after_s);
  out += "\r\n\r\n";
  out += answer.reason;
  return out += '\n';
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name)
      continue;
    auto encoded = pair.substr(std::min(equals + 1, pair.size()));
    std::string value;
    for (size_t i = 0; i < encoded.size(); ++i) {
      if (encoded[i] != '%') {
        value += encoded[i] == '+' ? ' ' : encoded[i];
        continue;
      }
      auto high = i + 2 < encoded.size() ? hex_digit(encoded[i + 1]) : -1;
      auto low = i + 2 < encoded.size() ? hex_digit(encoded[i + 2]) : -1;
      if (high < 0 || low < 0)
        return std::nullopt;
      value += static_cast<char>(high << 4 | low);
      i += 2;
    }
    return value;
  }
  return std::nullopt;
}

} // namespace stentor::net
