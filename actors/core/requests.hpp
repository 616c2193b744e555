// SPDX-License-Identifier: Apache-2.0
// Questions of one loop to ordinary actors, of this node or another one, each with a deadline. The loop's
// inbox is their sender: a session's address never leaves its node. Confined to the loop.
#pragma once

#include "actors/core/types.hpp"
#include "net/timer_wheel.hpp"

#include <caf/all.hpp>

#include <functional>
#include <unordered_map>

namespace stentor::actors {

class loop_env;

class requests {
public:
  explicit requests(loop_env &host) : host_{host} {}

  /// Once, before the first question: the loop's inbox, whose address answers come to.
  void answer_to(caf::strong_actor_ptr inbox) { inbox_ = std::move(inbox); }
  /// The loop as other actors know it.
  const caf::strong_actor_ptr &inbox() const noexcept { return inbox_; }

  using answer_handler = std::function<void(caf::expected<caf::message>)>;
  /// Sends `what` to `whom`; `on_answer` is called once, on this loop, with the answer or `errc::timed_out`,
  /// some 250 ms late at most. At once, with `errc::unavailable`, where `whom` is null. Where `whom` is of
  /// another node, `at` names it: the end of its link ends the request, too.
  void ask(const caf::strong_actor_ptr &whom, std::chrono::milliseconds timeout, caf::message what,
           answer_handler on_answer, incarnation at = 0);
  /// The inbox got the answer to the request `id`.
  void on_answer(uint64_t id, caf::mailbox_element &what);
  /// The link to a node ended: `errc::unavailable` for what was asked there.
  void end_to(incarnation inc);
  /// Drops every open question without an answer.
  void stop();

private:
  struct request {
    answer_handler on_answer;
    time_point deadline;
    incarnation at = 0;
  };
  template <class Predicate>
  void end_where(Predicate is_over, errc why);
  void on_tick();
  void keep_ticking();

  loop_env &host_;
  caf::strong_actor_ptr inbox_;
  std::unordered_map<uint64_t, request> open_;
  uint64_t last_request_ = 0;
  net::timer_for<requests, &requests::on_tick> tick_{this};
};

/// The answer's only value; null where it is none of that type.
template <class T>
const T *content_of(const caf::expected<caf::message> &answer) {
  return answer && answer->match_elements<T>() ? &answer->get_as<T>(0) : nullptr;
}

} // namespace stentor::actors
