// SPDX-License-Identifier: Apache-2.0
// What the directory did not take, or did not answer, and what is asked again with the next tick.
#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/directory_client.hpp"
#include "actors/directory/unsettled_records.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr size_t max_unbinds_waiting = 32768;
constexpr size_t most_questions_a_tick = 1024; // each of them is a message of its own
constexpr std::chrono::milliseconds retry_length{250};

} // namespace

void directory_client::undo_unknown_bind(storage::unbind_request what) {
  auto message = caf::make_message(unbind_atom_v, std::vector{what});
  requests_.ask(caf::actor_cast<caf::strong_actor_ptr>(host_.context().router_of(what.device)),
                directory_timeout, std::move(message), [this, what](caf::expected<caf::message> answer) {
                  auto *taken = content_of<bool>(answer);
                  // While the record may stand nobody can be asked: who puts itself back would find a
                  // newer one and think itself superseded.
                  if (auto gone = taken && *taken;
                      has_room_for_tick(gone ? displaced_.size() : unknown_binds_.size())) {
                    if (gone)
                      displaced_.push_back(what.device);
                    else
                      unknown_binds_.push_back(what);
                  }
                });
}

void directory_client::unbind_again(std::vector<storage::unbind_request> unbinds) {
  for (auto &x : unbinds)
    if (has_room_for_tick(refused_unbinds_.size()))
      refused_unbinds_.push_back(std::move(x));
}

bool directory_client::has_room_for_tick(size_t waiting) {
  if (waiting >= max_unbinds_waiting) {
    host_.counters().overflow(queue::unbinds); // the auditor finds what we forget here
    return false;
  }
  arm_tick();
  return true;
}

void directory_client::arm_tick() {
  if (!tick_.is_armed())
    host_.io().timers().schedule(tick_, host_.now() + retry_length);
}

void directory_client::resync_again(const session_ref &who) {
  resyncs_.insert(who); // never more than there are sessions
  arm_tick();
}

void directory_client::ask_who_lives() {
  if (displaced_.empty())
    return;
  auto question = caf::make_message(repair_atom_v, std::exchange(displaced_, {}));
  auto inboxes = links_.inboxes();
  auto &own = host_.context().inboxes;
  inboxes.insert(inboxes.end(), own.begin(), own.end());
  for (auto &inbox : inboxes)
    inbox->enqueue(requests_.inbox(), caf::make_message_id(), question, &host_);
}

void directory_client::undo_again() {
  auto count = std::min(unknown_binds_.size(), most_questions_a_tick);
  auto end = unknown_binds_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<storage::unbind_request> now{unknown_binds_.begin(), end};
  unknown_binds_.erase(unknown_binds_.begin(), end);
  for (auto &x : now) {
    x.lease_until = host_.context().lease_until();
    undo_unknown_bind(std::move(x));
  }
}

void directory_client::ask_for_resyncs() {
  for (size_t i = 0; i < most_questions_a_tick && !resyncs_.empty(); ++i) {
    auto ref = resyncs_.extract(resyncs_.begin()).value();
    if (auto *who = sessions_.find(ref))
      who->on_resync();
  }
}

void directory_client::on_tick() {
  ask_who_lives();
  undo_again();
  ask_for_resyncs();
  for (auto &x : std::exchange(refused_unbinds_, {})) {
    x.lease_until = host_.context().lease_until();
    unbind(std::move(x));
  }
  if (!unknown_binds_.empty() || !resyncs_.empty())
    arm_tick();
}

} // namespace stentor::actors
