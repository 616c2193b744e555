// SPDX-License-Identifier: Apache-2.0
#include "net/listener.hpp"

#include "cluster/errc.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::net {

namespace {

caf::error io_error(const char *call, const socket_address &address, int error) {
  if (error == EADDRINUSE)
    return make_error(errc::io, to_string(address) + " is in use by another process");
  return make_error(errc::io, std::string{call} + ' ' + to_string(address) + ": " + std::strerror(error));
}

/// A bound descriptor.
caf::expected<int> open_bound(const socket_address &address, bool shared) {
  auto fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return io_error("socket", address, errno);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // a restart does not wait for TIME_WAIT
  if (shared)
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.family() == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); // [::] does not take IPv4's port as well
  if (bind(fd, address.get(), address.size) == 0)
    return fd;
  auto error = io_error("bind", address, errno);
  close(fd);
  return error;
}

/// Errors of one connection that died in the backlog (accept(2)); the next one may be well.
bool is_about_one_connection(int error) {
  switch (error) {
  case ECONNABORTED:
  case EINTR:
  case EPROTO:
  case EPERM: // a firewall rule
  case ENETDOWN:
  case ENOPROTOOPT:
  case EHOSTDOWN:
  case ENONET:
  case EHOSTUNREACH:
  case EOPNOTSUPP:
  case ENETUNREACH:
    return true;
  default:
    return false;
  }
}

} // namespace

caf::error probe_address(const socket_address &address) {
  auto fd = open_bound(address, false);
  if (!fd)
    return fd.error();
  auto error = listen(*fd, 1) < 0 ? io_error("listen", address, errno) : caf::error{};
  close(*fd);
  return error;
}

void tune_accepted_socket(int fd, const limits &lim) noexcept {
  int on = 1;
  auto timeout = static_cast<unsigned>(lim.tcp_user_timeout.count());
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &lim.send_buffer_bytes, sizeof lim.send_buffer_bytes);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

caf::expected<std::unique_ptr<listener>> listener::make(event_loop &loop, const socket_address &address,
                                                        const limits &lim, accept_events &events) {
  auto result = make_waiting(loop, address, lim, events);
  if (!result)
    return result;
  if (auto err = (*result)->begin())
    return err;
  return result;
}

caf::expected<std::unique_ptr<listener>> listener::make_waiting(event_loop &loop,
                                                                const socket_address &address,
                                                                const limits &lim, accept_events &events) {
  auto fd = open_bound(address, true);
  if (!fd)
    return fd.error();
  tune_accepted_socket(*fd, lim); // Linux hands all three down: three system calls saved a connection
  auto local = address;
  local.size = sizeof local.storage;
  getsockname(*fd, local.get(), &local.size);
  return std::unique_ptr<listener>{new listener{loop, *fd, local, lim, events}};
}

caf::error listener::begin() {
  if (listen(fd_, backlog) < 0)
    return io_error("listen", local_, errno);
  armed_ = !paused_ && !resting_;
  if (!loop_.add(fd_, *this, armed_ ? +EPOLLIN : 0))
    return io_error("epoll_ctl", local_, errno);
  begun_ = true;
  return {};
}

listener::listener(event_loop &loop, int fd, const socket_address &local, const limits &lim,
                   accept_events &events)
    : loop_{loop}, fd_{fd}, local_{local}, limits_{lim}, events_{events} {}

listener::~listener() {
  if (begun_)
    loop_.remove(fd_, *this);
  close(fd_);
}

void listener::arm() {
  auto wanted = !paused_ && !resting_;
  if (wanted == armed_ || !begun_)
    return;
  armed_ = wanted;
  loop_.modify(fd_, *this, wanted ? +EPOLLIN : 0);
}

void listener::pause() {
  paused_ = true;
  arm();
}

void listener::resume() {
  paused_ = false;
  arm();
}

void listener::rest_over() {
  resting_ = false;
  arm();
}

void listener::on_ready(uint32_t) {
  for (size_t i = 0; i < limits_.accepts_per_turn && !paused_; ++i) {
    socket_address peer;
    peer.size = sizeof peer.storage;
    ++loop_.counters().accepts;
    auto fd = accept4(fd_, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      told_ = false;
      events_.on_accepted(fd, peer);
      continue;
    }
    auto error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK)
      return;
    if (is_about_one_connection(error))
      continue;
    // Out of descriptors or memory: the backlog stays readable, so without a rest this would burn a core.
    ++rests_;
    resting_ = true;
    arm();
    loop_.timers().schedule(timer_, loop_.now() + rest);
    if (!std::exchange(told_, true))
      events_.on_accept_trouble(error);
    return;
  }
}

} // namespace stentor::net
