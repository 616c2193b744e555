// SPDX-License-Identifier: Apache-2.0
#include "actors/router.hpp"

#include <algorithm>

namespace stentor::actors {

bool router_state::add(const caf::actor &inbox, const account_id &account, const session_ref &who) {
  auto &list = watchers[account];
  auto same = [&](const watcher &x) { return x.session == who && x.inbox == inbox; };
  if (std::any_of(list.begin(), list.end(), same))
    return true;
  if (list.size() >= max_watchers)
    return false;
  list.push_back({inbox, who});
  return true;
}

void router_state::remove(const caf::actor &inbox, const account_id &account, const session_ref &who) {
  auto i = watchers.find(account);
  if (i == watchers.end())
    return;
  std::erase_if(i->second, [&](const watcher &x) { return x.session == who && x.inbox == inbox; });
  if (i->second.empty())
    watchers.erase(i);
}

void router_state::publish(const std::vector<storage::event> &events) {
  for (auto &event : events)
    if (auto i = watchers.find(event.account); i != watchers.end())
      for (auto &x : i->second)
        caf::anon_send(x.inbox, event_atom_v, x.session, event);
}

void router_state::resync() {
  for (auto &[account, list] : watchers)
    for (auto &x : list)
      caf::anon_send(x.inbox, resync_atom_v, x.session);
}

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   directory_actor directory, size_t max_watchers) {
  auto &state = self->state;
  state.directory = std::move(directory);
  state.max_watchers = max_watchers;
  // The directory answers the asker itself: its answer needs nothing of the router.
  return {
      [self](bind_atom bind, const std::vector<storage::bind_request> &batch) {
        return self->delegate(self->state.directory, bind, batch);
      },
      [self](unbind_atom unbind, const std::vector<storage::unbind_request> &batch) {
        self->send(self->state.directory, unbind, batch);
      },
      [self](lookup_atom lookup, const std::vector<device_id> &devices) {
        return self->delegate(self->state.directory, lookup, devices);
      },
      [self](list_atom list, const account_id &account) {
        return self->delegate(self->state.directory, list, account);
      },
      [self](watch_atom watch, const caf::actor &inbox, const account_id &account,
             const session_ref &who) -> caf::result<bool> {
        // Added first: an event between the directory's answer and ours must not be missed.
        if (!self->state.add(inbox, account, who))
          return false;
        return self->delegate(self->state.directory, watch);
      },
      [self](unwatch_atom, const caf::actor &inbox, const account_id &account, const session_ref &who) {
        self->state.remove(inbox, account, who);
      },
      [self](event_atom, const std::vector<storage::event> &events) { self->state.publish(events); },
      [self](resync_atom) { self->state.resync(); },
  };
}

} // namespace stentor::actors
