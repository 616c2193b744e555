// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_server.hpp"

#include "tests/bench/payload.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace stentor::bench {

namespace {

class floor_server {
public:
  floor_server(int listener, floor_counters &counters)
      : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)), counters_(counters), input_(64 * 1024) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  int run() {
    std::vector<epoll_event> events(1024);
    for (;;) {
      auto n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      bump(counters_.polls);
      if (n < 0 && errno != EINTR)
        return 1;
      for (int i = 0; i < n; ++i) {
        auto fd = events[i].data.fd;
        if (fd == listener_) {
          accept_some();
          continue;
        }
        if (events[i].events & EPOLLOUT)
          flush(fd);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
          receive(fd);
      }
    }
  }

private:
  struct peer {
    std::string input;   ///< a frame cut in two
    std::string backlog; ///< what the kernel would not take
    uint32_t index = register_target;
  };

  static void bump(std::atomic<uint64_t> &counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  void watch(int operation, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_some() {
    for (int i = 0; i < 64; ++i) {
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      bump(counters_.accepts);
      if (fd < 0)
        return;
      int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      if (peers_.size() <= static_cast<size_t>(fd))
        peers_.resize(static_cast<size_t>(fd) + 1);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void receive(int fd) {
    auto n = ::recv(fd, input_.data(), input_.size(), 0);
    bump(counters_.receives);
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN)
        drop(fd);
      return;
    }
    std::string_view bytes{input_.data(), static_cast<size_t>(n)};
    auto &x = peers_[static_cast<size_t>(fd)];
    std::string joined;
    if (!x.input.empty()) {
      joined = std::exchange(x.input, {});
      joined.append(bytes);
      bytes = joined;
    }
    for (; bytes.size() >= payload_bytes; bytes.remove_prefix(payload_bytes))
      forward(fd, bytes.substr(0, payload_bytes));
    if (!bytes.empty())
      x.input.assign(bytes);
  }

  void forward(int from, std::string_view frame) {
    auto target = read_target(frame.data());
    if (target == register_target) {
      if (auto fields = read_payload(frame)) {
        if (route_.size() <= fields->stream)
          route_.resize(fields->stream + 1, -1);
        route_[fields->stream] = from;
        peers_[static_cast<size_t>(from)].index = fields->stream;
        bump(counters_.registered);
      }
      return;
    }
    if (!target || *target >= route_.size() || route_[*target] < 0) {
      bump(counters_.unroutable);
      return;
    }
    auto fd = route_[*target];
    auto &backlog = peers_[static_cast<size_t>(fd)].backlog;
    size_t taken = 0;
    if (backlog.empty()) {
      auto n = ::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL);
      bump(counters_.sends);
      if (n == static_cast<ssize_t>(frame.size()))
        return;
      taken = n > 0 ? static_cast<size_t>(n) : 0;
      watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
    }
    backlog.append(frame.substr(taken));
  }

  void flush(int fd) {
    auto &backlog = peers_[static_cast<size_t>(fd)].backlog;
    auto n = ::send(fd, backlog.data(), backlog.size(), MSG_NOSIGNAL);
    bump(counters_.sends);
    if (n > 0)
      backlog.erase(0, static_cast<size_t>(n));
    if (backlog.empty())
      watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  void drop(int fd) {
    auto index = peers_[static_cast<size_t>(fd)].index;
    if (index != register_target && route_[index] == fd)
      route_[index] = -1;
    peers_[static_cast<size_t>(fd)] = {};
    ::close(fd);
  }

  int listener_;
  int epoll_;
  floor_counters &counters_;
  std::vector<char> input_;
  std::vector<peer> peers_; ///< by descriptor
  std::vector<int> route_;  ///< descriptor by index
};

} // namespace

int run_floor_server(int counters_fd) {
  std::signal(SIGPIPE, SIG_IGN);
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
      ::listen(fd, 65535) != 0 || ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) != 0) {
    std::perror("floor server");
    return 1;
  }
  static floor_counters own;
  auto counters = &own;
  if (counters_fd >= 0) {
    auto shared = ::mmap(nullptr, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, counters_fd, 0);
    if (shared != MAP_FAILED)
      counters = static_cast<floor_counters *>(shared);
  }
  std::printf("ready device=127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return floor_server{fd, *counters}.run();
}

} // namespace stentor::bench
