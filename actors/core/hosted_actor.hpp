// SPDX-License-Identifier: Apache-2.0
// An actor that lives on an event loop: a CAF address (send, request, monitor, link) with 264 bytes of
// overhead where an `event_based_actor` has 1,080. Its messages run on its loop's thread and nowhere else;
// its last reference may drop on any thread, so everything that belongs to the loop is freed in `on_stop`,
// never in the destructor.
#pragma once

#include "actors/core/loop_env.hpp"

#include <caf/all.hpp>
#include <caf/default_attachable.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace stentor::actors {

/// What every actor keeps from the start; written on the loop, read by the inspector's request on the loop.
struct actor_counters {
  uint64_t handled = 0;
  uint32_t queued = 0; ///< messages in the loop's inbox for this actor
  uint32_t peak = 0;
  int64_t last_active_ms = 0; ///< on the loop's clock
};

class hosted_actor : public caf::monitorable_actor {
public:
  hosted_actor(caf::actor_config &cfg, loop_env &host);

  /// Any thread. Queues on the loop; after `stop` requests bounce with `request_receiver_down`.
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit *) final;

  /// Handles one message; the loop calls it.
  void receive(caf::mailbox_element &what);

  /// Ends the actor: frees what belongs to the loop, tells monitors and links. On the loop; once, later calls
  /// are no-ops.
  void stop(caf::error reason);
  /// Holds a reference to itself until it is stopped: the loop's actors end by `stop`, not by being
  /// forgotten.
  void keep_alive() {
    caf::intrusive_ptr_add_ref(ctrl());
    keeps_itself_ = true;
  }
  bool is_stopped() const noexcept { return stopped_; }

  caf::strong_actor_ptr self() { return caf::strong_actor_ptr{ctrl()}; }
  loop_env &host() noexcept { return host_; }
  const actor_counters &counters() const noexcept { return counters_; }
  /// Waiting now: the mailbox for most actors, unsent frames for a session.
  virtual size_t queue_length() const noexcept { return counters_.queued; }
  /// Whom it serves, for the actor table: a device, a peer's address.
  virtual std::string subject() const { return {}; }
  /// The loop took one more message for this actor out of its inbox, or has handled it.
  void count_queued() noexcept { counters_.peak = std::max(counters_.peak, ++counters_.queued); }
  void count_unqueued() noexcept { --counters_.queued; }
  /// Counts work that did not come through the mailbox (frames, lane items).
  void count_handled() noexcept;

protected:
  /// A message that is neither a system message nor a `down_msg`. Requests that it does not answer get
  /// `unexpected_message`. True if it was handled.
  virtual bool on_message(caf::mailbox_element &) { return false; }
  virtual void on_down(caf::down_msg &) {}
  /// Sockets, timers and buffers go here, on the loop.
  virtual void on_stop() = 0;

  /// Answers the request in `what`, if it is one.
  void reply(caf::mailbox_element &what, caf::message answer);
  /// Asks to be told by `on_down` when `whom` ends.
  void watch_life_of(const caf::strong_actor_ptr &whom);

private:
  friend class hosted_list;
  loop_env &host_;
  hosted_actor *previous_ = nullptr;
  hosted_actor *next_ = nullptr;
  actor_counters counters_;
  bool stopped_ = false;
  bool keeps_itself_ = false;
};

/// The living actors of one loop, in order of birth; does not own them. Confined to the loop.
class hosted_list {
public:
  void add(hosted_actor &who) noexcept;
  void remove(hosted_actor &who) noexcept;
  size_t size() const noexcept { return size_; }
  hosted_actor *front() const noexcept { return first_; }
  hosted_actor *back() const noexcept { return last_; }
  template <class F>
  void for_each(F &&visit) const {
    for (auto *x = first_; x; x = x->next_)
      visit(*x);
  }

private:
  hosted_actor *first_ = nullptr;
  hosted_actor *last_ = nullptr;
  size_t size_ = 0;
};

/// A strong reference to a hosted actor that knows its type.
template <class T>
class hosted_ptr {
public:
  hosted_ptr() = default;
  explicit hosted_ptr(caf::strong_actor_ptr ptr) : ptr_{std::move(ptr)} {}

  T *get() const noexcept { return ptr_ ? static_cast<T *>(ptr_->get()) : nullptr; }
  T *operator->() const noexcept { return get(); }
  T &operator*() const noexcept { return *get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(ptr_); }
  const caf::strong_actor_ptr &strong() const noexcept { return ptr_; }
  void reset() noexcept { ptr_ = nullptr; }

private:
  caf::strong_actor_ptr ptr_;
};

/// Makes a hosted actor of type `T` on `host`; it lives until it is stopped.
template <class T, class... Ts>
hosted_ptr<T> make_hosted(caf::actor_system &sys, caf::execution_unit &unit, loop_env &host, Ts &&...xs) {
  caf::actor_config cfg{&unit};
  hosted_ptr<T> result{caf::make_actor<T, caf::strong_actor_ptr>(sys.next_actor_id(), sys.node(), &sys, cfg,
                                                                 host, std::forward<Ts>(xs)...)};
  result->keep_alive();
  return result;
}

} // namespace stentor::actors
