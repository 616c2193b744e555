// SPDX-License-Identifier: Apache-2.0
// What `actors::loop` does around its mailbox, without actors: sleeps where nothing is there, is woken by
// whoever posts. Counts the sleeps that nobody ended although something had arrived. One owner thread, posts
// from any.
#pragma once

#include "actors/core/loop_mailbox.hpp"
#include "net/event_loop.hpp"

#include <memory>

namespace stentor::actors::test {

template <class Message, class Batch>
class sleeper {
public:
  /// Long against every pause of a busy machine: only a wake-up that never came takes this long.
  static constexpr std::chrono::milliseconds longest{30000};

  template <class T>
  void post(T x) {
    if (box_.put(std::move(x)))
      io_->wake();
  }

  /// One turn; does not sleep where its owner has work of its own.
  template <class F>
  void turn(F &&handle, bool has_work = false) {
    auto sleeps = !has_work && box_.begin_sleep();
    auto began = std::chrono::steady_clock::now();
    io_->poll(sleeps ? longest : std::chrono::milliseconds{0});
    auto slept_through = std::chrono::steady_clock::now() - began >= longest;
    sleeps_ += sleeps;
    box_.take(batch_);
    missed_wakes_ += slept_through && !batch_.is_empty();
    handle(batch_);
    batch_.messages.clear();
    batch_.batches.clear();
  }

  size_t sleeps() const noexcept { return sleeps_; }
  size_t missed_wakes() const noexcept { return missed_wakes_; }

private:
  std::unique_ptr<net::event_loop> io_ = std::move(*net::event_loop::make());
  loop_mailbox<Message, Batch> box_;
  typename loop_mailbox<Message, Batch>::batch batch_;
  size_t sleeps_ = 0;
  size_t missed_wakes_ = 0;
};

} // namespace stentor::actors::test
