// SPDX-License-Identifier: Apache-2.0
#include "tests/storage/fake_redis.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::storage::test {

namespace {

size_t count_of(const std::string &text, std::string_view what) {
  size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0)
      return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

} // namespace

fake_redis::fake_redis(behaviour x) : behaviour_{std::move(x)} {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr *>(&address), size), 0);
  ::listen(listener_, 16);
  ::getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

fake_redis::~fake_redis() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

redis_url fake_redis::url() const {
  redis_url url;
  url.host = "127.0.0.1";
  url.port = port_;
  return url;
}

void fake_redis::serve() {
  while (!stop_) {
    pollfd x{listener_, POLLIN, 0};
    if (::poll(&x, 1, 10) <= 0)
      continue;
    auto fd = ::accept(listener_, nullptr, nullptr);
    ++connections_;
    serve_one(fd);
    ::close(fd);
  }
}

void fake_redis::serve_one(int fd) {
  std::string heard;
  auto greeted = false;
  while (!stop_) {
    pollfd x{fd, POLLIN, 0};
    if (::poll(&x, 1, 10) <= 0)
      continue;
    char buffer[65536];
    auto count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count <= 0)
      return;
    heard.append(buffer, static_cast<size_t>(count));
    if (!greeted) {
      if (count_of(heard, "\r\nINFO\r\n") < 4 || count_of(heard, "\r\nSCRIPT\r\n") < behaviour_.scripts)
        continue;
      auto info = "$" + std::to_string(behaviour_.info.size()) + "\r\n" + behaviour_.info + "\r\n";
      auto good = info + info + info + info;
      for (size_t i = 0; i < behaviour_.scripts; ++i)
        good += "$3\r\nsha\r\n";
      send_all(fd, behaviour_.greeting.empty() ? good : behaviour_.greeting);
      greeted = true;
      continue;
    }
    if (!behaviour_.answers.empty()) {
      behaviour_.answer = behaviour_.answers.front();
      if (behaviour_.answers.size() > 1)
        behaviour_.answers.erase(behaviour_.answers.begin());
    }
    if (behaviour_.dribble.count() == 0)
      send_all(fd, behaviour_.answer);
    for (size_t i = 0; behaviour_.dribble.count() > 0 && i < behaviour_.answer.size() && !stop_; ++i) {
      send_all(fd, behaviour_.answer.substr(i, 1));
      std::this_thread::sleep_for(behaviour_.dribble);
    }
    if (behaviour_.close_after)
      return;
  }
}

} // namespace stentor::storage::test
