// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_url.hpp"

#include "cluster/percent.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace stentor::storage {

namespace {

/// Longer than any host, password and path that make sense together.
constexpr size_t max_url_bytes = 1024;
/// What `sockaddr_un` holds, without the terminating zero.
constexpr size_t max_path_bytes = 107;
/// DNS's limit.
constexpr size_t max_host_bytes = 253;
/// Redis's own default is 16; nobody runs more than this.
constexpr uint32_t max_db = 65535;

caf::error wrong(std::string_view why) {
  return make_error(errc::config, "the directory's URL " + std::string{why} +
                                      "; allowed: redis://[[user]:password@]host[:port][/db] or "
                                      "unix:///path[?db=N]");
}

/// A decimal number of `least` to `most`, digits only.
std::optional<uint32_t> number(std::string_view text, uint32_t least, uint32_t most) {
  uint32_t value = 0;
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || failure != std::errc{} || stop != end || value < least || value > most)
    return std::nullopt;
  return value;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= max_host_bytes && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
  });
}

bool is_ipv6(std::string_view text) {
  return text.size() >= 2 && text.size() <= 45 &&
         std::ranges::all_of(text, [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; });
}

caf::expected<redis_url> parse_socket(std::string_view rest) {
  redis_url url;
  if (auto query = rest.find('?'); query != rest.npos) {
    auto text = rest.substr(query + 1);
    auto db = text.starts_with("db=") ? number(text.substr(3), 0, max_db) : std::nullopt;
    if (!db)
      return wrong("has a query that is not ?db= with a number");
    url.db = *db;
    rest = rest.substr(0, query);
  }
  if (rest.size() < 2 || rest[0] != '/' || rest.size() > max_path_bytes)
    return wrong("has no absolute path of 2 to 107 bytes");
  url.path = rest;
  return url;
}

/// `text` is `[user]:password`.
bool parse_user(std::string_view text, redis_url &url) {
  auto colon = text.find(':');
  return colon != text.npos && percent_decode(text.substr(0, colon), url.user) &&
         percent_decode(text.substr(colon + 1), url.password) && !url.password.empty();
}

caf::expected<redis_url> parse_tcp(std::string_view rest) {
  redis_url url;
  // The last @: one in a password that somebody forgot to encode is still no part of the host.
  if (auto at = rest.rfind('@'); at != rest.npos) {
    if (!parse_user(rest.substr(0, at), url))
      return wrong("has a user part that is not [user]:password, percent-encoded");
    rest = rest.substr(at + 1);
  }
  if (auto slash = rest.find('/'); slash != rest.npos) {
    auto text = rest.substr(slash + 1);
    auto db = text.empty() ? 0 : number(text, 0, max_db);
    if (!db)
      return wrong("has a db that is not a number of 0 to 65535");
    url.db = *db;
    rest = rest.substr(0, slash);
  }
  std::string_view port;
  auto has_port = false;
  if (rest.starts_with('[')) {
    auto end = rest.find(']');
    if (end == rest.npos || !is_ipv6(rest.substr(1, end - 1)))
      return wrong("has no IPv6 address between [ and ]");
    url.host = rest.substr(1, end - 1);
    has_port = end + 1 < rest.size();
    port = rest.substr(end + 1);
    if (has_port && port[0] != ':')
      return wrong("has something other than a port after ]");
    port = has_port ? port.substr(1) : port;
  } else {
    auto colon = rest.find(':');
    has_port = colon != rest.npos;
    port = has_port ? rest.substr(colon + 1) : port;
    url.host = rest.substr(0, colon);
    if (!is_host(url.host))
      return wrong("has no host");
  }
  if (has_port) {
    auto value = number(port, 1, 65535);
    if (!value)
      return wrong("has a port that is not a number of 1 to 65535");
    url.port = static_cast<uint16_t>(*value);
  }
  return url;
}

} // namespace

std::string redis_url::shown() const {
  auto suffix = db == 0 ? "" : "/" + std::to_string(db);
  if (!path.empty())
    return "unix:" + path + (db == 0 ? "" : "?db=" + std::to_string(db));
  auto name = host.find(':') == host.npos ? host : "[" + host + "]";
  return name + ":" + std::to_string(port) + suffix;
}

caf::expected<redis_url> parse_redis_url(std::string_view text) {
  if (text.size() > max_url_bytes)
    return wrong("is longer than 1024 bytes");
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; }))
    return wrong("holds a character that is not visible ASCII");
  if (text.starts_with("redis://"))
    return parse_tcp(text.substr(8));
  if (text.starts_with("unix://"))
    return parse_socket(text.substr(7));
  if (text.starts_with("rediss://"))
    return wrong(
        "requests TLS to Redis, which is not supported: put a TLS proxy or a private network in between");
  return wrong("does not start with redis:// or unix://");
}

} // namespace stentor::storage
