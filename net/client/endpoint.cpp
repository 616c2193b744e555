// SPDX-License-Identifier: Apache-2.0
#include "net/client/endpoint.hpp"

#include "cluster/errc.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace stentor::net::client {

namespace {

caf::error refuse(std::string_view text, const char *why) {
  return make_error(errc::config, '"' + std::string{text} + "\": " + why);
}

caf::error io_error(const char *what, int fd) {
  auto text = std::string{what} + ": " + std::strerror(errno);
  if (fd >= 0)
    ::close(fd);
  return make_error(errc::io, std::move(text));
}

} // namespace

std::string url::authority() const {
  auto name = host.find(':') == host.npos ? host : '[' + host + ']';
  return name + ':' + std::to_string(port);
}

caf::expected<url> parse_url(std::string_view text, std::string_view scheme, uint16_t default_port) {
  auto rest = text;
  if (auto at = text.find("://"); at != text.npos) {
    if (text.substr(0, at) == std::string{scheme} + 's')
      return refuse(text, "TLS is not supported by this client");
    if (text.substr(0, at) != scheme)
      return refuse(text, scheme == "ws" ? "a device address must start with ws://"
                                         : "an API address must start with http://");
    rest = text.substr(at + 3);
  }
  url parts;
  auto end = rest.find_first_of("/?#");
  if (end != rest.npos && rest[end] == '#')
    return refuse(text, "a fragment has no meaning here");
  auto authority = rest.substr(0, end);
  if (end != rest.npos)
    parts.target = rest.substr(end);
  // The target goes into a request line as it is.
  for (char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return refuse(text, "spaces and control characters are not allowed");
  auto port_at = authority.npos;
  if (!authority.empty() && authority[0] == '[') {
    auto close = authority.find(']');
    if (close == authority.npos)
      return refuse(text, "the bracket is not closed");
    parts.host = authority.substr(1, close - 1);
    if (close + 1 < authority.size()) {
      if (authority[close + 1] != ':')
        return refuse(text, "the port is wrong");
      port_at = close + 1;
    }
  } else {
    port_at = authority.find(':');
    parts.host = authority.substr(0, port_at);
  }
  if (parts.host.empty() || parts.host.find('@') != parts.host.npos)
    return refuse(text, "the host is missing");
  parts.port = default_port;
  if (port_at != authority.npos) {
    auto digits = authority.substr(port_at + 1);
    auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
    if (failure != std::errc{} || stop != digits.data() + digits.size() || parts.port == 0)
      return refuse(text, "a port is a number from 1 to 65535");
  }
  return parts;
}

caf::expected<socket_address> resolve(const std::string &host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo *list = nullptr;
  auto failure = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failure != 0 || list == nullptr)
    return make_error(errc::unavailable, '"' + host + "\": " + gai_strerror(failure));
  socket_address found;
  found.size = list->ai_addrlen;
  std::memcpy(&found.storage, list->ai_addr, list->ai_addrlen);
  freeaddrinfo(list);
  return found;
}

caf::expected<int> connect_to(const socket_address &to, const std::string &source) {
  auto fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return io_error("socket", fd);
  int on = 1;
  // Whole turns leave in one call already; waiting for more would only add delay.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!source.empty()) {
    auto from = resolve(source, 0);
    if (!from) {
      ::close(fd);
      return from.error();
    }
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(fd, from->get(), from->size) < 0)
      return io_error("bind", fd);
  }
  // A refused connection is reported the same way as one that is refused later: by the socket's end.
  if (::connect(fd, to.get(), to.size) < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
    return io_error("connect", fd);
  return fd;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    auto is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
  return out;
}

} // namespace stentor::net::client
