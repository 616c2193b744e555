// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hosted_actor.hpp"

#include <algorithm>

namespace stentor::actors {

hosted_actor::hosted_actor(caf::actor_config &cfg, loop_env &host)
    : caf::monitorable_actor{cfg}, host_{host} {
  host_.actors().add(*this);
}

void hosted_actor::enqueue(caf::mailbox_element_ptr what, caf::execution_unit *) {
  host_.enqueue(self(), std::move(what));
}

void hosted_actor::count_handled() noexcept {
  host_.assert_here();
  ++counters_.handled;
  counters_.last_active_ms = in_ms(host_.now());
}

void hosted_actor::receive(caf::mailbox_element &what) {
  host_.assert_here();
  if (stopped_) {
    if (what.mid.is_request() && what.sender)
      what.sender->enqueue(nullptr, what.mid.response_id(),
                           caf::make_message(caf::make_error(caf::sec::request_receiver_down)), &host_);
    return;
  }
  count_handled();
  auto &content = what.content();
  if (content.match_elements<caf::exit_msg>()) {
    auto reason = content.get_as<caf::exit_msg>(0).reason;
    if (reason)
      stop(std::move(reason));
    return;
  }
  auto down = [this](caf::down_msg &msg) { on_down(msg); };
  if (handle_system_message(what, &host_, false, down))
    return;
  if (on_message(what))
    return;
  if (what.mid.is_request() && what.sender)
    what.sender->enqueue(self(), what.mid.response_id(),
                         caf::make_message(caf::make_error(caf::sec::unexpected_message)), &host_);
}

void hosted_actor::stop(caf::error reason) {
  host_.assert_here();
  if (stopped_)
    return;
  stopped_ = true;
  // `on_stop` may drop the last reference that others hold.
  auto adds_reference = !std::exchange(keeps_itself_, false);
  caf::strong_actor_ptr keep{ctrl(), adds_reference};
  on_stop();
  host_.actors().remove(*this);
  cleanup(std::move(reason), &host_);
}

void hosted_list::add(hosted_actor &who) noexcept {
  who.previous_ = last_;
  (last_ ? last_->next_ : first_) = &who;
  last_ = &who;
  ++size_;
}

void hosted_list::remove(hosted_actor &who) noexcept {
  (who.previous_ ? who.previous_->next_ : first_) = who.next_;
  (who.next_ ? who.next_->previous_ : last_) = who.previous_;
  who.previous_ = who.next_ = nullptr;
  --size_;
}

void hosted_actor::reply(caf::mailbox_element &what, caf::message answer) {
  if (what.mid.is_request() && what.sender)
    what.sender->enqueue(self(), what.mid.response_id(), std::move(answer), &host_);
}

void hosted_actor::watch_life_of(const caf::strong_actor_ptr &whom) {
  whom->get()->attach(caf::default_attachable::make_monitor(caf::actor_cast<caf::actor_addr>(whom),
                                                            caf::actor_cast<caf::actor_addr>(self())));
}

} // namespace stentor::actors
