// SPDX-License-Identifier: Apache-2.0
#include "actors/session/account_watch.hpp"

#include "actors/session/inbound.hpp"

namespace stentor::actors {

void account_watch::ask(const session_turn &t) {
  t.services.directory.list_for(t.ref, t.me->account, listing::devices);
}

void account_watch::set(bool on, const session_turn &t) {
  if (on == on_)
    return;
  on_ = on;
  if (on)
    t.services.directory.watch(t.me->account, t.ref);
  else
    t.services.directory.unwatch(t.me->account, t.ref);
}

void account_watch::on_listed(listing why, const caf::expected<std::vector<storage::record>> &found,
                              session_turn &t) {
  if (!found && why == listing::resync) {
    // Without it the watcher would go on trusting what it missed the end of.
    t.services.directory.resync_again(t.ref);
    return;
  }
  if (!t.live)
    return;
  if (!found) {
    tell_error(errc::unavailable, describe(errc::unavailable), {}, t);
    return;
  }
  std::vector<std::string_view> names;
  names.reserve(found->size());
  for (auto &record : *found)
    names.push_back(record.device.str());
  if (why == listing::resync) {
    t.promise(net::event_frame{net::event_frame::kind::resync, {}, 0, names});
    return;
  }
  auto &frame = t.frame();
  net::encode_devices(t.device->encoding(), frame, names);
  t.send_promised(frame);
}

void account_watch::on_refused(errc why, session_turn &t) {
  if (!on_)
    return;
  // The router may have it all the same: by this watch, or by a later one that this answer is not about.
  set(false, t);
  if (t.live)
    tell_error(why,
               why == errc::overloaded ? "too many sessions watch this account already"
                                       : "the directory does not answer, try again later",
               {}, t);
}

void account_watch::on_event(const storage::event &event, session_turn &t) const {
  if (!t.live || !on_)
    return;
  auto kind = event.kind == storage::event_kind::online ? net::event_frame::kind::online
                                                        : net::event_frame::kind::offline;
  t.promise(net::event_frame{kind, event.device.str(), event.ep, {}});
}

void account_watch::on_resync(const session_turn &t) const {
  if (t.live && on_)
    t.services.directory.list_for(t.ref, t.me->account, listing::resync);
}

} // namespace stentor::actors
