// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.hpp"

#include "cluster/errc.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace stentor::net {

namespace {

// A batch of 512 keeps one system call per hundreds of messages under load and bounds the length of a turn.
constexpr int batch_size = 512;
// Enough for every socket of a batch; together at most 4 MiB a loop, and in practice some hundred KiB.
constexpr size_t kept_buffers = batch_size;
constexpr size_t largest_kept_buffer = 8 * 1024;

} // namespace

struct event_loop::batch {
  std::array<epoll_event, batch_size> events;
  int count = 0;
  int next = 0;
};

caf::expected<std::unique_ptr<event_loop>> event_loop::make() {
  auto epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    return make_error(errc::io, std::string{"epoll_create1: "} + std::strerror(errno));
  auto wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event ev{};
  ev.events = EPOLLIN;
  ev.data.ptr = nullptr; // the one descriptor without a pollable
  if (wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &ev) < 0) {
    auto text = std::string{"eventfd: "} + std::strerror(errno);
    close(epoll_fd);
    if (wake_fd >= 0)
      close(wake_fd);
    return make_error(errc::io, std::move(text));
  }
  return std::unique_ptr<event_loop>{new event_loop{epoll_fd, wake_fd}};
}

event_loop::event_loop(int epoll_fd, int wake_fd)
    : epoll_{epoll_fd}, wake_{wake_fd},
      read_buffer_{new char[read_buffer_bytes + read_slack]{}}, batch_{std::make_unique<batch>()} {}

event_loop::~event_loop() {
  close(wake_);
  close(epoll_);
}

bool event_loop::add(int fd, pollable &who, uint32_t events) {
  epoll_event ev{};
  ev.events = events;
  ev.data.ptr = &who;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &ev) == 0;
}

void event_loop::modify(int fd, pollable &who, uint32_t events) {
  epoll_event ev{};
  ev.events = events;
  ev.data.ptr = &who;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &ev);
}

void event_loop::remove(int fd, pollable &who) {
  epoll_event ev{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &ev);
  for (int i = batch_->next; i < batch_->count; ++i)
    if (batch_->events[i].data.ptr == &who)
      batch_->events[i].events = 0;
}

bool event_loop::poll(std::chrono::milliseconds most) {
  using std::chrono::milliseconds;
  auto wait = most;
  if (auto due = timers_.next_due(); due && wait.count() > 0)
    wait = std::clamp(std::chrono::ceil<milliseconds>(*due - clock_()), milliseconds{0}, wait);
  ++counters_.polls;
  auto n = epoll_wait(epoll_, batch_->events.data(), batch_size, static_cast<int>(wait.count()));
  touch_clock();
  if (guard_ && !guard_->may_go_on())
    return false;                 // level-triggered: what is ready now is ready next time
  batch_->count = std::max(n, 0); // EINTR: a signal, nothing ready
  for (batch_->next = 0; batch_->next < batch_->count;) {
    auto &ev = batch_->events[batch_->next++];
    if (ev.events == 0)
      continue;
    if (auto *who = static_cast<pollable *>(ev.data.ptr)) {
      who->on_ready(ev.events);
    } else {
      uint64_t ignored;
      [[maybe_unused]] auto got = read(wake_, &ignored, sizeof ignored);
    }
  }
  batch_->count = 0;
  timers_.advance(now_);
  return true;
}

void event_loop::run_turn(std::chrono::milliseconds most) {
  poll(has_unflushed() ? std::chrono::milliseconds{0} : most);
  flush();
}

void event_loop::forget(flushable &who) {
  std::erase(dirty_, &who);
  std::replace(flushing_.begin(), flushing_.end(), &who, static_cast<flushable *>(nullptr));
}

std::string event_loop::take_buffer() {
  if (buffers_.empty())
    return {};
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void event_loop::give_buffer(std::string buffer) {
  if (buffers_.size() >= kept_buffers || buffer.capacity() > largest_kept_buffer)
    return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

std::unique_ptr<cork_block> event_loop::take_cork_block() {
  if (cork_blocks_.empty())
    return nullptr;
  auto block = std::move(cork_blocks_.back());
  cork_blocks_.pop_back();
  return block;
}

void event_loop::give_cork_block(std::unique_ptr<cork_block> block) {
  if (block && cork_blocks_.size() < kept_buffers && block->footprint() <= largest_kept_buffer)
    cork_blocks_.push_back(std::move(block));
}

void event_loop::wake() noexcept {
  uint64_t one = 1;
  [[maybe_unused]] auto written = write(wake_, &one, sizeof one);
}

} // namespace stentor::net
