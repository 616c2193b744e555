// SPDX-License-Identifier: Apache-2.0
#include "actors/drainer.hpp"

#include "actors/core/hosted_actor.hpp"
#include "actors/core/loop_env.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/session/connection.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds slice{100};

} // namespace

void drainer::start(std::chrono::milliseconds over, size_t capacity) {
  if (plan_)
    return;
  host_.actors().for_each([&](hosted_actor &who) { everyone_.push_back(who.self()); });
  std::shuffle(everyone_.begin(), everyone_.end(), host_.random());
  plan_.emplace(everyone_.size(), over, capacity);
  began_ = host_.now();
  on_tick();
}

void drainer::on_tick() {
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(host_.now() - began_);
  for (auto due = plan_->due(since); asked_ < due; ++asked_)
    ask(std::exchange(everyone_[asked_], nullptr));
  if (asked_ < everyone_.size())
    host_.io().timers().schedule(tick_, host_.now() + slice);
  else
    everyone_ = {};
}

void drainer::ask(const caf::strong_actor_ptr &keep) {
  auto &who = *static_cast<hosted_actor *>(keep->get());
  if (who.is_stopped())
    return;
  // Within the grace, so that what one slice asks does not come back in one moment.
  auto grace = static_cast<uint64_t>(std::max<int64_t>(host_.lim().goaway_grace.count(), 1));
  std::chrono::milliseconds spread{static_cast<int64_t>(host_.random()() % grace)};
  if (auto *device = dynamic_cast<session_port *>(&who))
    device->go_away(goaway::drain, spread);
  else if (auto *link = dynamic_cast<connection *>(&who))
    link->drain();
}

} // namespace stentor::actors
