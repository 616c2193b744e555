// SPDX-License-Identifier: Apache-2.0
#include "net/address.hpp"

#include "cluster/errc.hpp"

#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace stentor::net {

namespace {

caf::error bad_address(std::string_view text) {
  return make_error(errc::config, "'" + std::string{text} +
                                      "' is not an address: expected IPv4:port, [IPv6]:port or "
                                      "localhost:port, port 0 to 65535 (0: any free one)");
}

} // namespace

uint16_t socket_address::port() const noexcept {
  if (family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6 *>(&storage)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in *>(&storage)->sin_port);
}

bool socket_address::is_loopback() const noexcept {
  if (family() == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in *>(&storage)->sin_addr.s_addr) >> 24 == 127;
  if (family() != AF_INET6)
    return false;
  const auto &ip = reinterpret_cast<const sockaddr_in6 *>(&storage)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
}

caf::expected<socket_address> parse_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return bad_address(text);
  auto host = std::string{text.substr(0, colon)};
  auto digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
    return bad_address(text);
  socket_address result;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto *in = reinterpret_cast<sockaddr_in6 *>(&result.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    result.size = sizeof *in;
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &in->sin6_addr) != 1)
      return bad_address(text);
    return result;
  }
  if (host == "localhost")
    host = "127.0.0.1";
  auto *in = reinterpret_cast<sockaddr_in *>(&result.storage);
  in->sin_family = AF_INET;
  in->sin_port = htons(port);
  result.size = sizeof *in;
  if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) != 1)
    return bad_address(text);
  return result;
}

std::string to_string(const socket_address &address) {
  char text[INET6_ADDRSTRLEN] = "";
  auto port = std::to_string(address.port());
  if (address.family() == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6 *>(&address.storage)->sin6_addr, text,
              sizeof text);
    return '[' + std::string{text} + "]:" + port;
  }
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(&address.storage)->sin_addr, text, sizeof text);
  return std::string{text} + ':' + port;
}

bool is_loopback(std::string_view text) {
  auto address = parse_address(text);
  return address && address->is_loopback();
}

} // namespace stentor::net
