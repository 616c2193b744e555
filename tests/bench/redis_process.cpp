// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/redis_process.hpp"

#include "cluster/errc.hpp"

#include <charconv>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::bench {

namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// A port nobody has right now: redis-server cannot choose one itself.
uint16_t free_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
  ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// What the server says to one inline command until the answer's end, `QUIT`'s `+OK`.
std::string ask(uint16_t port, std::string_view command) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  auto address = loopback(port);
  auto request = std::string{command} + "\r\nQUIT\r\n";
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return answer;
}

} // namespace

caf::expected<redis_process> redis_process::start(const std::string &program, int core) {
  constexpr int tries = 3; // somebody may take the port in between
  for (int i = 1;; ++i) {
    auto port = free_port();
    server_process::start how;
    how.arguments = {
        program,        "--port", std::to_string(port), "--bind",     "127.0.0.1",   "--save", "",
        "--appendonly", "no",     "--maxmemory-policy", "noeviction", "--daemonize", "no"};
    how.core = core;
    how.ready_text = "Ready to accept connections";
    auto process = server_process::run(how);
    if (process)
      return redis_process{std::move(*process), port};
    if (i == tries)
      return std::move(process.error());
  }
}

std::string redis_process::url() const {
  return "redis://127.0.0.1:" + std::to_string(port_) + "/0";
}

caf::expected<uint64_t> redis_process::info(std::string_view section, std::string_view field) const {
  auto answer = ask(port_, std::string{"INFO "}.append(section));
  if (auto number = redis_info_number(answer, field))
    return *number;
  return make_error(errc::io, "redis-server says no " + std::string{field});
}

std::optional<uint64_t> redis_info_number(std::string_view answer, std::string_view field) {
  while (!answer.empty()) {
    auto line = answer.substr(0, answer.find('\n'));
    answer.remove_prefix(std::min(answer.size(), line.size() + 1));
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':')
      continue;
    line.remove_prefix(field.size() + 1);
    uint64_t number = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc{})
      return number;
  }
  return {};
}

} // namespace stentor::bench
