// SPDX-License-Identifier: Apache-2.0
// What other threads leave for a loop: messages to its actors and batches from other loops, behind one lock,
// and the protocol by which the loop sleeps: whoever puts something in while it does must wake it, one caller
// a sleep. Knows no actor and no descriptor, so that ThreadSanitizer can watch it without CAF. Unbounded
// itself: data is bounded by the credit of its lane before it gets here, the rest is always admitted.
#pragma once

#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace stentor::actors {

template <class Message, class Batch>
class loop_mailbox {
public:
  static_assert(!std::is_same_v<Message, Batch>);

  /// In the order put in, each kind for itself.
  struct batch {
    std::vector<Message> messages;
    std::vector<Batch> batches;
    bool is_empty() const noexcept { return messages.empty() && batches.empty(); }
  };

  /// Any thread. True where the owner sleeps and nobody was told to wake it: the caller must.
  [[nodiscard]] bool put(Message x) { return put(arrived_.messages, std::move(x)); }
  [[nodiscard]] bool put(Batch x) { return put(arrived_.batches, std::move(x)); }

  /// The owner, before it waits to be woken. False where something has arrived: then it must not wait.
  [[nodiscard]] bool begin_sleep() {
    std::lock_guard guard{mutex_};
    sleeping_ = arrived_.is_empty();
    return sleeping_;
  }

  /// The owner, awake: swaps what has arrived with `into`, whose vectors are empty and lend their capacity.
  void take(batch &into) {
    std::lock_guard guard{mutex_};
    sleeping_ = false;
    std::swap(into, arrived_);
  }

private:
  template <class T>
  bool put(std::vector<T> &to, T &&x) {
    std::lock_guard guard{mutex_};
    to.push_back(std::forward<T>(x));
    return std::exchange(sleeping_, false);
  }

  std::mutex mutex_;
  batch arrived_;
  bool sleeping_ = false;
};

} // namespace stentor::actors
