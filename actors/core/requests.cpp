// SPDX-License-Identifier: Apache-2.0
#include "actors/core/requests.hpp"

#include "actors/core/loop_env.hpp"

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds tick_length{250};

} // namespace

void requests::ask(const caf::strong_actor_ptr &whom, std::chrono::milliseconds timeout, caf::message what,
                   answer_handler on_answer, incarnation at) {
  if (!whom) {
    on_answer(make_error(errc::unavailable));
    return;
  }
  auto id = ++last_request_;
  open_.emplace(id, request{std::move(on_answer), host_.now() + timeout, at});
  keep_ticking();
  auto mid = caf::message_id{id}.with_category(caf::message_id::normal_message_category);
  whom->enqueue(inbox_, mid, std::move(what), &host_);
}

void requests::on_answer(uint64_t id, caf::mailbox_element &what) {
  auto i = open_.find(id);
  if (i == open_.end())
    return; // late: it ended with its timeout
  auto on_answer = std::move(i->second.on_answer);
  open_.erase(i);
  auto &content = what.content();
  if (content.match_elements<caf::error>())
    on_answer(content.get_as<caf::error>(0));
  else
    on_answer(what.move_content_to_message());
}

void requests::end_to(incarnation inc) {
  end_where([inc](const request &x) { return x.at == inc; }, errc::unavailable);
}

template <class Predicate>
void requests::end_where(Predicate is_over, errc why) {
  std::vector<answer_handler> ended;
  for (auto i = open_.begin(); i != open_.end();)
    if (is_over(i->second)) {
      ended.push_back(std::move(i->second.on_answer));
      i = open_.erase(i);
    } else {
      ++i;
    }
  for (auto &on_answer : ended) // may ask again
    on_answer(make_error(why));
}

void requests::keep_ticking() {
  if (!tick_.is_armed())
    host_.io().timers().schedule(tick_, host_.now() + tick_length);
}

void requests::on_tick() {
  end_where([now = host_.now()](const request &x) { return x.deadline <= now; }, errc::timed_out);
  if (!open_.empty())
    keep_ticking();
}

void requests::stop() {
  tick_.cancel();
  auto dropped = std::exchange(open_, {}); // a handler may hold the last reference to a session
}

} // namespace stentor::actors
