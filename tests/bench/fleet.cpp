// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fleet.hpp"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::bench {

namespace {

// All events of a turn are handled before anything is sent, so a turn must be able to see them all.
constexpr int events_per_turn = 4096;
// Source ports of one address: the range of a default kernel has 28,000; stay well below.
constexpr uint32_t connections_per_address = 16'000;

} // namespace

fleet::fleet(uint8_t source_net)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), source_net_(source_net), buffer_(256 * 1024) {}

fleet::~fleet() {
  events_ = &none_;
  close_all(true);
  ::close(epoll_);
}

connection &fleet::add(dialect &speaks, const net::socket_address &server) {
  auto socket = std::make_unique<connection>();
  socket->speaks = &speaks;
  socket->index = static_cast<uint32_t>(connections_.size());
  connections_.push_back({std::move(socket), server});
  return *connections_.back().socket;
}

bool fleet::open(connection &c) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  auto host = 1 + opened_++ / connections_per_address % 200;
  source.sin_addr.s_addr = htonl(127u << 24 | uint32_t{source_net_} << 16 | host);
  auto &server = connections_[c.index].server;
  if (::bind(fd, reinterpret_cast<sockaddr *>(&source), sizeof source) != 0 ||
      (::connect(fd, server.get(), server.size) != 0 && errno != EINPROGRESS)) {
    ::close(fd);
    return false;
  }
  c.fd = fd;
  c.dialect_state = 0;
  c.said = {};
  settle(c, connection::stage::connecting);
  watch(c, EPOLL_CTL_ADD, true);
  return true;
}

void fleet::settle(connection &c, connection::stage next) {
  using stage = connection::stage;
  auto is_under_way = [](stage x) { return x == stage::connecting || x == stage::greeting; };
  under_way_ += is_under_way(next);
  under_way_ -= is_under_way(c.at);
  ready_ += next == stage::ready;
  ready_ -= c.at == stage::ready;
  c.at = next;
}

void fleet::watch(connection &c, int operation, bool for_write) {
  epoll_event event{};
  event.events = EPOLLIN | (for_write ? uint32_t{EPOLLOUT} : 0u);
  event.data.ptr = &c;
  ::epoll_ctl(epoll_, operation, c.fd, &event);
  c.waits_for_write = for_write;
}

void fleet::close(connection &c, bool reset) {
  if (c.fd < 0)
    return;
  if (reset) {
    linger now{1, 0};
    ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(c.fd);
  c.fd = -1;
  c.out = {};
  c.input = {};
  settle(c, connection::stage::closed);
}

void fleet::close_all(bool reset) {
  for (auto &x : connections_)
    close(*x.socket, reset);
}

void fleet::lose(connection &c, std::string_view why) {
  if (c.fd < 0)
    return;
  close(c, false);
  if (first_loss_.empty())
    first_loss_ = "connection " + std::to_string(c.index) + ": " + std::string{why};
  events_->on_lost(c, why);
}

void fleet::ready(connection &c) {
  settle(c, connection::stage::ready);
  events_->on_ready(c);
}

size_t fleet::turn(uint64_t wait_ns) {
  epoll_event ready[events_per_turn];
  if (!dirty_.empty()) // something to send already: only look
    wait_ns = 0;
  timespec wait{static_cast<time_t>(wait_ns / 1'000'000'000), static_cast<long>(wait_ns % 1'000'000'000)};
  auto n = ::epoll_pwait2(epoll_, ready, events_per_turn, &wait, nullptr);
  for (int i = 0; i < n; ++i) {
    auto &c = *static_cast<connection *>(ready[i].data.ptr);
    // Closed earlier in this turn; connections are never freed, so this is safe to look at.
    if (c.fd >= 0)
      on_event(c, ready[i].events);
  }
  flush();
  return n > 0 ? static_cast<size_t>(n) : 0;
}

void fleet::flush() {
  // A send that fails may lose its connection, whose handler may cork another: by index, until none is left.
  for (size_t i = 0; i < dirty_.size(); ++i) {
    auto &c = *dirty_[i];
    c.dirty = false;
    if (c.fd >= 0 && !c.waits_for_write)
      send(c);
  }
  dirty_.clear();
}

void fleet::on_event(connection &c, uint32_t events) {
  if (c.at == connection::stage::connecting) {
    connected(c);
    return;
  }
  if (c.waits_for_write && (events & EPOLLOUT))
    send(c);
  if (c.fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
    receive(c);
}

void fleet::connected(connection &c) {
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) {
    lose(c, std::strerror(failure));
    return;
  }
  watch(c, EPOLL_CTL_MOD, false);
  settle(c, connection::stage::greeting);
  if (c.speaks->greet(c, cork(c)))
    ready(c);
}

void fleet::receive(connection &c) {
  auto kept = c.input.size();
  if (kept > 0)
    std::memcpy(buffer_.data(), c.input.data(), kept);
  auto n = ::recv(c.fd, buffer_.data() + kept, buffer_.size() - kept, 0);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN)
      lose(c, n == 0 ? "closed by the server" : std::strerror(errno));
    return;
  }
  std::string_view bytes{buffer_.data(), kept + static_cast<size_t>(n)};
  auto taken = c.speaks->consume(*this, c, bytes);
  if (c.fd < 0)
    return;
  if (taken < bytes.size() && bytes.size() - taken > buffer_.size() / 2)
    lose(c, "a frame too long for the generator");
  else if (taken < bytes.size())
    c.input.assign(bytes.substr(taken));
  else if (kept > 0)
    c.input = {};
}

void fleet::send(connection &c) {
  auto n = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) {
    lose(c, std::strerror(errno));
    return;
  }
  if (n == static_cast<ssize_t>(c.out.size())) {
    c.out.clear();
    if (c.waits_for_write)
      watch(c, EPOLL_CTL_MOD, false);
    return;
  }
  c.out.erase(0, n > 0 ? static_cast<size_t>(n) : 0);
  if (!c.waits_for_write)
    watch(c, EPOLL_CTL_MOD, true);
}

} // namespace stentor::bench
