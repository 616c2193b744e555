// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/dial.hpp"

#include "actors/mesh/tls_link.hpp"
#include "cluster/errc.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors {

namespace {

// Connections wait here until the multiplexer takes them; the broker bounds what comes after.
constexpr int backlog = 128;

class descriptor {
public:
  explicit descriptor(int fd) noexcept : fd_{fd} {}
  descriptor(const descriptor &) = delete;
  descriptor &operator=(const descriptor &) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_;
};

caf::error failed(const char *what, const net::socket_address &at) {
  return make_error(errc::io, std::string{what} + " " + net::to_string(at) + ": " + std::strerror(errno));
}

} // namespace

caf::expected<caf::io::scribe_ptr> dial(link_middleman &via, const net::socket_address &to) {
  descriptor fd{::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0 || (::connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS))
    return failed("cannot connect to", to);
  if (via.transport().tls)
    return caf::io::scribe_ptr{caf::make_counted<tls_scribe>(via, fd.release(), false)};
  return via.backend().new_scribe(fd.release());
}

caf::expected<caf::io::doorman_ptr> listen(link_middleman &via, const net::socket_address &at) {
  descriptor fd{::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  int yes = 1;
  if (fd.get() < 0 || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), at.get(), at.size) != 0 || ::listen(fd.get(), backlog) != 0)
    return failed("cannot listen on", at);
  if (via.transport().tls)
    return caf::io::doorman_ptr{caf::make_counted<tls_doorman>(via, fd.release())};
  return via.backend().new_doorman(fd.release());
}

} // namespace stentor::actors
