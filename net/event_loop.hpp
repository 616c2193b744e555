// SPDX-License-Identifier: Apache-2.0
// One thread's sockets: readiness (epoll, level-triggered), timers, and the list of sockets with unsent
// bytes. It knows no actor and no protocol; `actors/loop` drives its steps in the order of a turn, clients
// call `run_turn`. Everything here belongs to the loop's thread, except `wake`.
#pragma once

#include "net/cork.hpp"
#include "net/timer_wheel.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace stentor::net {

class lifeline;

/// Gets told when its descriptor is ready. Lives at a fixed address while it is added.
class pollable {
public:
  virtual ~pollable() = default;
  /// `events`: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as epoll gives them. May destroy any pollable, also this
  /// one.
  virtual void on_ready(uint32_t events) = 0;
};

/// Has bytes to write once a turn.
class flushable {
public:
  virtual ~flushable() = default;
  virtual void on_flush() = 0;
};

/// Asked after each wait, before anything that became ready is handled: the wait may have been long.
class poll_guard {
public:
  virtual ~poll_guard() = default;
  virtual bool may_go_on() = 0;
};

/// System calls this loop made, for the benchmark and `/metrics`.
struct io_counters {
  uint64_t polls = 0;
  uint64_t receives = 0;
  uint64_t sends = 0;
  uint64_t accepts = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
};

class event_loop {
public:
  /// The read buffer has this many bytes after its end that parsers may read but never use (simdjson).
  static constexpr size_t read_slack = 64;
  static constexpr size_t read_buffer_bytes = 128 * 1024;

  /// Fails with `errc::io` where the process is out of descriptors.
  [[nodiscard]] static caf::expected<std::unique_ptr<event_loop>> make();
  ~event_loop();
  event_loop(const event_loop &) = delete;
  event_loop &operator=(const event_loop &) = delete;

  // -- descriptors: the caller keeps owning `fd` and removes it before closing it ----
  [[nodiscard]] bool add(int fd, pollable &who, uint32_t events);
  void modify(int fd, pollable &who, uint32_t events);
  /// Also drops what the current batch of events still holds for `who`.
  void remove(int fd, pollable &who);

  // -- one turn ----
  /// Waits for readiness, at most `most`, less where a timer is due earlier; then calls the ready pollables
  /// and the timers. Updates `now()`. False if the guard refused: nothing was handled, and nothing is lost.
  bool poll(std::chrono::milliseconds most);
  /// Null, as at first: every turn goes on.
  void set_guard(poll_guard *guard) noexcept { guard_ = guard; }
  /// Calls `on_flush` of everyone in the list, once each; those who ask again meanwhile are called next time.
  void flush() {
    flush([] {});
  }
  /// The same with a call of `after()` behind each: what it writes to a socket that is still to come leaves
  /// with that one's other bytes.
  template <class After>
  void flush(After &&after) {
    flushing_.swap(dirty_);
    for (size_t i = 0; i < flushing_.size(); ++i)
      if (auto *who = flushing_[i]) {
        who->on_flush();
        after();
      }
    flushing_.clear();
  }
  bool has_unflushed() const noexcept { return !dirty_.empty(); }
  /// `poll` and `flush`, for loops without actors.
  void run_turn(std::chrono::milliseconds most);

  void flush_later(flushable &who) { dirty_.push_back(&who); }
  /// Drops `who` from the list; for destructors.
  void forget(flushable &who);

  /// The time at the start of the turn, or after the last `touch_clock`.
  time_point now() const noexcept { return now_; }
  void touch_clock() noexcept { now_ = clock_(); }
  /// Time from elsewhere, for tests that drive a loop by hand; before the first turn.
  using clock = time_point (*)();
  void set_clock(clock source) noexcept {
    clock_ = source;
    touch_clock();
  }

  timer_wheel &timers() noexcept { return timers_; }
  io_counters &counters() noexcept { return counters_; }
  std::span<char> read_buffer() noexcept { return {read_buffer_.get(), read_buffer_bytes}; }

  /// Empty strings with capacity, so that a socket owns a buffer only while it has bytes to send.
  std::string take_buffer();
  void give_buffer(std::string buffer);
  /// The same for corks.
  std::unique_ptr<cork_block> take_cork_block();
  void give_cork_block(std::unique_ptr<cork_block> block);

  /// For `stream_socket`, which finds out through it whether it outlived a callback.
  lifeline *&lifelines() noexcept { return lifelines_; }

  /// Ends a `poll` that waits, or makes the next one not wait. Any thread.
  void wake() noexcept;

private:
  event_loop(int epoll_fd, int wake_fd);

  int epoll_;
  int wake_;
  poll_guard *guard_ = nullptr;
  clock clock_ = &std::chrono::steady_clock::now;
  time_point now_ = std::chrono::steady_clock::now();
  timer_wheel timers_{now_};
  io_counters counters_;
  std::vector<flushable *> dirty_;
  std::vector<flushable *> flushing_;
  std::vector<std::string> buffers_;
  std::vector<std::unique_ptr<cork_block>> cork_blocks_;
  std::unique_ptr<char[]> read_buffer_;
  lifeline *lifelines_ = nullptr;
  struct batch;
  std::unique_ptr<batch> batch_;
};

} // namespace stentor::net
