// SPDX-License-Identifier: Apache-2.0
// Sockets for tests of one thread: two connected loopback TCP descriptors, and a plain peer that reads and
// writes without a loop. Turns are driven by hand.
#pragma once

#include "net/event_loop.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::net {

/// Two ends of one TCP connection on the loopback, both non-blocking.
inline std::pair<int, int> tcp_pair(int buffer_bytes = 0) {
  auto listening = socket(AF_INET, SOCK_STREAM, 0);
  if (buffer_bytes > 0) {
    setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listening, reinterpret_cast<sockaddr *>(&address), size), 0);
  EXPECT_EQ(listen(listening, 1), 0);
  EXPECT_EQ(getsockname(listening, reinterpret_cast<sockaddr *>(&address), &size), 0);
  auto client = socket(AF_INET, SOCK_STREAM, 0);
  if (buffer_bytes > 0)
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr *>(&address), size), 0);
  auto server = accept(listening, nullptr, nullptr);
  close(listening);
  for (auto fd : {client, server}) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return {server, client};
}

/// The other end: a descriptor and what was read from it.
class raw_peer {
public:
  explicit raw_peer(int fd) : fd_{fd} {}
  ~raw_peer() { hang_up(); }
  raw_peer(const raw_peer &) = delete;
  raw_peer &operator=(const raw_peer &) = delete;

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// Reads what is there, at most `most` bytes. Returns the number of bytes.
  size_t read(size_t most = SIZE_MAX) {
    size_t total = 0;
    char buffer[65536];
    while (total < most) {
      auto n = ::recv(fd_, buffer, std::min(sizeof buffer, most - total), 0);
      if (n == 0)
        saw_fin_ = true;
      if (n < 0 && errno == ECONNRESET)
        saw_reset_ = true;
      if (n <= 0)
        break;
      got_.append(buffer, static_cast<size_t>(n));
      total += static_cast<size_t>(n);
    }
    return total;
  }
  void half_close() { shutdown(fd_, SHUT_WR); }
  void hang_up() {
    if (fd_ >= 0)
      close(std::exchange(fd_, -1));
  }
  /// Ends the connection with RST.
  void reset() {
    linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    hang_up();
  }

  std::string &got() { return got_; }
  bool saw_fin() const { return saw_fin_; }
  bool saw_reset() const { return saw_reset_; }
  int fd() const { return fd_; }

private:
  int fd_;
  std::string got_;
  bool saw_fin_ = false;
  bool saw_reset_ = false;
};

/// Lets a loop's timers see time pass, without waiting for it.
class fast_clock {
public:
  explicit fast_clock(event_loop &loop) : loop_{loop} {}
  void pass(std::chrono::milliseconds time) {
    ahead_ += time + timer_wheel::tick_length;
    loop_.timers().advance(loop_.now() + ahead_);
  }

private:
  event_loop &loop_;
  std::chrono::milliseconds ahead_{0};
};

/// Drives turns until `done`; false after far more of them than anything here needs. A turn that has nothing
/// to do waits a millisecond for the kernel.
inline bool turn_until(event_loop &loop, const std::function<bool()> &done, int most = 5000) {
  for (int i = 0; i < most; ++i) {
    if (done())
      return true;
    loop.run_turn(std::chrono::milliseconds{1});
  }
  return done();
}

} // namespace stentor::net
