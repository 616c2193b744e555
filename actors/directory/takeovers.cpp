// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/takeovers.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/core/requests.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/directory_client.hpp"

#include <map>
#include <unordered_map>

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds tick_length{250};
constexpr std::chrono::milliseconds post_timeout{4000}; // as the directory bounds its own work, and one more

} // namespace

void takeovers::tell(const route &previous, const device_id &device, epoch newer) {
  auto &ctx = host_.context();
  if (previous.inc == ctx.inc) {
    send({previous, device, newer});
    return;
  }
  supersede_notice what{previous, device, newer};
  if (!notices_.add(what, host_.now()))
    post({std::move(what)});
  work();
}

void takeovers::on_seen(incarnation by, const device_id &device, epoch newer) {
  notices_.on_seen(by, device, newer);
}

void takeovers::on_dead(incarnation inc) {
  notices_.on_dead(inc);
}

void takeovers::work() {
  auto todo = notices_.due(host_.now(), [this](incarnation inc) { return links_.is_up(inc); });
  for (auto &what : todo.send)
    send(what);
  post(todo.post);
  if (notices_.size() > 0 && !tick_.is_armed())
    host_.io().timers().schedule(tick_, host_.now() + tick_length);
}

void takeovers::on_tick() {
  work();
}

void takeovers::send(const supersede_notice &what) {
  auto &at = what.previous;
  outbox_.put(place{at.inc, 0, at.session.loop},
              std::make_unique<items::supersede>(
                  items::supersede{at.session, what.device, what.newer, {0, 0, host_.index()}}));
}

void takeovers::post(const std::vector<supersede_notice> &what) {
  std::map<std::pair<incarnation, node_id>, std::vector<supersede_notice>> by_holder;
  for (auto &x : what)
    by_holder[{x.previous.inc, x.previous.node}].push_back(x);
  auto directory = caf::actor_cast<caf::strong_actor_ptr>(host_.context().directory);
  for (auto &[holder, posted] : by_holder) {
    std::vector<storage::notice> notices;
    notices.reserve(posted.size());
    for (auto &x : posted)
      notices.push_back({x.device, x.newer});
    requests_.ask(directory, post_timeout,
                  caf::make_message(notice_atom_v, holder.second, holder.first, std::move(notices)),
                  [this, posted = posted](const caf::expected<caf::message> &answer) {
                    auto *kept = content_of<bool>(answer);
                    if (kept && *kept)
                      return;
                    for (auto &x : posted)
                      notices_.on_not_posted(x, host_.now());
                  });
  }
}

// -- for the devices of this node ----

void takeovers::on_notices(const std::vector<storage::notice> &notices) {
  std::unordered_map<device_id, epoch> newer;
  for (auto &x : notices)
    newer.insert_or_assign(x.device, x.newer);
  // The table is by session, not by device: a walk over all of them, for what is rare.
  std::vector<session_ref> concerned;
  sessions_.for_each([&](session_port &who) {
    if (auto held = who.held(); newer.contains(held.device))
      concerned.push_back(held.ref);
  });
  for (auto &ref : concerned)
    if (auto *who = sessions_.find(ref)) {
      auto held = who->held();
      who->on_superseded(held.device, newer.at(held.device));
    }
}

} // namespace stentor::actors
