// SPDX-License-Identifier: Apache-2.0
#include "net/client/upgrade_text.hpp"

#include "net/codec/base64.hpp"
#include "net/http/http_text.hpp"
#include "net/websocket/upgrade.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

namespace stentor::net::client {

namespace {

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

constexpr std::string_view subprotocol_of(format f) {
  return f == format::json ? "stentor.v1.json" : "stentor.v1.msgpack";
}

} // namespace

std::string make_upgrade_key() {
  unsigned char bytes[16];
  RAND_bytes(bytes, sizeof bytes);
  std::string text;
  append_base64(text, {reinterpret_cast<char *>(bytes), sizeof bytes});
  return text;
}

caf::expected<std::string> upgrade_text(const device_options &options, std::string_view key) {
  auto target = options.path.empty() ? std::string{"/"} : options.path;
  auto add = [&target](std::string_view name, const std::string &value) {
    if (value.empty())
      return;
    target += target.find('?') == target.npos ? '?' : '&';
    target.append(name).append("=").append(percent_encode(value));
  };
  add("device", options.device);
  add("account", options.account);
  add("resume", options.resume);
  if (target.find_first_of(" \t") != target.npos || target[0] != '/')
    return make_error(errc::config, "a path must start with / and have no spaces");
  auto text = "GET " + target + " HTTP/1.1\r\nHost: " + options.host +
              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  text.append("Sec-WebSocket-Key: ").append(key).append("\r\n");
  text.append("Sec-WebSocket-Protocol: ").append(subprotocol_of(options.encoding)).append("\r\n");
  auto is_clean = is_one_line(target) && is_one_line(options.host) && is_one_line(options.token);
  if (!options.token.empty())
    text += "Authorization: Bearer " + options.token + "\r\n";
  for (auto &[name, value] : options.headers) {
    is_clean = is_clean && is_one_line(name) && is_one_line(value) && name.find(':') == name.npos;
    text += name + ": " + value + "\r\n";
  }
  if (!is_clean)
    return make_error(errc::config, "control characters in a path, a token or a header");
  return text + "\r\n";
}

const char *upgrade_fault(const http_response &answer, std::string_view key, format encoding) {
  if (!lists_element(answer.header("Upgrade"), "websocket"))
    return "the response does not upgrade to websocket";
  if (!lists_element(answer.header("Connection"), "upgrade"))
    return "the response has no Connection: Upgrade";
  if (answer.header("Sec-WebSocket-Accept") != upgrade_accept(key))
    return "the response's Sec-WebSocket-Accept is not for our key";
  if (answer.header("Sec-WebSocket-Protocol") != subprotocol_of(encoding))
    return "the response does not choose the subprotocol offered";
  if (!answer.header("Sec-WebSocket-Extensions").empty())
    return "the response names an extension that was not offered";
  return nullptr;
}

uint32_t next_mask() {
  thread_local std::array<uint32_t, 1024> pool;
  thread_local size_t left = 0;
  if (left == 0) {
    RAND_bytes(reinterpret_cast<unsigned char *>(pool.data()), sizeof pool);
    left = pool.size();
  }
  return pool[--left];
}

} // namespace stentor::net::client
