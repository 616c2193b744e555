// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/upgrade.hpp"

#include "net/codec/base64.hpp"
#include "net/http/http_parser.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <new>

namespace stentor::net {

namespace {

constexpr std::string_view json_name = "stentor.v1.json";
constexpr std::string_view msgpack_name = "stentor.v1.msgpack";
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 1.3

/// A key is 16 bytes in base64.
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

} // namespace

std::string upgrade_accept(std::string_view key) {
  auto text = std::string{key}.append(accept_guid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
  std::string accept;
  append_base64(accept, {reinterpret_cast<const char *>(digest.data()), digest.size()});
  return accept;
}

upgrade_answer upgrade_head::parse(std::string_view bytes) try {
  bytes_ = bytes;
  if (auto why = parse_http_head(bytes, head_))
    // One status for all that is no request of ours; too many headers is the one a client can mend.
    return {why->status == 431 ? 431 : 400, why->message};
  return parse_fields();
} catch (const std::bad_alloc &) { // the list of headers
  return {503, "Out of memory."};
}

/// Whether any header `lower_name` lists `lower`; such a header may be there more than once.
bool upgrade_head::lists(std::string_view lower_name, std::string_view lower) const {
  return std::any_of(head_.fields.begin(), head_.fields.end(), [&](auto &f) {
    return equals_lower(f.name.in(bytes_.data()), lower_name) &&
           lists_element(f.value.in(bytes_.data()), lower);
  });
}

upgrade_answer upgrade_head::parse_fields() {
  const http_request request{head_, bytes_.data(), {}};
  if (head_.method != http_method::get)
    return {405, "Only GET opens a WebSocket."};
  if (!head_.is_1_1)
    return {400, "HTTP/1.1 is required."};
  if (head_.is_absolute || !request.path().starts_with('/'))
    return {400, "The request target must be a path."};
  if (head_.has_body())
    return {400, "An upgrade request has no body."};
  if (!lists("upgrade", "websocket"))
    return {426, "This is a WebSocket endpoint: the header Upgrade: websocket is missing."};
  if (!lists("connection", "upgrade"))
    return {400, "The header Connection: Upgrade is missing."};
  if (request.header("sec-websocket-version") != "13")
    return {426, "Sec-WebSocket-Version must be 13."};
  key_ = request.header("sec-websocket-key");
  if (!is_key(key_))
    return {400, "Sec-WebSocket-Key must be 16 bytes in base64."};

  request_.path = request.path();
  request_.query = request.query();
  request_.authorization = request.header("authorization");
  request_.origin = request.header("origin");
  for (auto &field : head_.fields)
    if (equals_lower(field.name.in(bytes_.data()), "sec-websocket-protocol"))
      read_offer(field.value.in(bytes_.data()));
  return {};
}

void upgrade_head::read_offer(std::string_view list) {
  for (auto name = next_element(list); !name.empty(); name = next_element(list)) {
    request_.offered_subprotocols = true;
    if (name != json_name && name != msgpack_name)
      continue;
    auto f = name == json_name ? format::json : format::msgpack;
    offered_[static_cast<size_t>(f)] = true;
    if (!request_.wanted) // the client names what it likes best first
      request_.wanted = f;
  }
}

std::string upgrade_head::accept(format chosen) const {
  std::string out = "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: ";
  out += upgrade_accept(key_);
  out += "\r\n";
  if (offered_[static_cast<size_t>(chosen)]) {
    out += "Sec-WebSocket-Protocol: ";
    out += chosen == format::json ? json_name : msgpack_name;
    out += "\r\n";
  }
  return out += "\r\n";
}

std::string refusal(const upgrade_answer &answer) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  out += status_phrase(answer.status);
  out += "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ";
  out += std::to_string(answer.reason.size() + 1);
  if (answer.status == 401)
    out += "\r\nWWW-Authenticate: Bearer";
  if (answer.status == 405)
    out += "\r\nAllow: GET";
  if (answer.status == 426)
    out += "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
  if (answer.retry_after_s > 0)
    out += "\r\nRetry-After: " + std::to_string(answer.retry_after_s);
  out += "\r\n\r\n";
  out += answer.reason;
  return out += '\n';
}

} // namespace stentor::net
