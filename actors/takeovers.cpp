// SPDX-License-Identifier: Apache-2.0
#include "actors/takeovers.hpp"

#include "actors/loop.hpp"
#include "actors/session.hpp"

namespace stentor::actors {

void takeovers::tell(const route &previous, const device_id &device, epoch newer) {
  place there{previous.inc, 0, previous.session.loop};
  host_.put(there, std::make_unique<items::supersede>(
                       items::supersede{previous.session, device, newer, {0, 0, host_.index()}}));
}

void takeovers::on_seen(incarnation, const device_id &, epoch) {}

void takeovers::on_notices(const std::vector<storage::notice> &notices) {
  std::unordered_map<device_id, epoch> newer;
  for (auto &x : notices)
    newer.insert_or_assign(x.device, x.newer);
  // The table is by session, not by device: a walk over all of them, for what is rare.
  std::vector<session_ref> concerned;
  host_.sessions().for_each([&](session &who) {
    if (newer.contains(who.device()))
      concerned.push_back(who.ref());
  });
  for (auto &ref : concerned)
    if (auto *who = host_.sessions().find(ref))
      who->on_superseded(who->device(), newer.at(who->device()));
}

void takeovers::on_tick() {}

} // namespace stentor::actors
