// SPDX-License-Identifier: Apache-2.0
// The directory actor's events: from the stream to the routers of the accounts concerned.
#include "actors/directory/directory_actor.hpp"

#include "cluster/slots.hpp"

#include <map>

namespace stentor::actors {

namespace {

constexpr size_t events_per_read = 1024;

} // namespace

caf::result<bool> directory_state::watch() {
  if (watched)
    return true;
  auto promise = self->make_response_promise<bool>();
  auto chore = [this, promise]() mutable {
    wanted = true; // not before: a reading in between would take this for a watch that was lost
    promise.deliver(watched || begin_watch());
  };
  if (!add_chore(std::move(chore))) {
    wanted = true;
    promise.deliver(false);
  }
  return promise;
}

bool directory_state::begin_watch() {
  cursor.clear();
  watched = static_cast<bool>(store->events_after(cursor, 0));
  return watched;
}

/// Watchers then ask for what is there, which nobody answers before the membership has seen this store, too.
bool directory_state::tell_resync() {
  if (!view->is_known_run(store->run_id()))
    return false;
  owes_resync = false;
  for (auto &router : routers)
    caf::anon_send(router, resync_atom_v);
  return true;
}

void directory_state::want_events() {
  if (wanted && !reads_events_)
    reads_events_ = add_chore([this] {
      reads_events_ = false;
      if (publish_events())
        want_events(); // behind what waits: a backlog of events must not hold up binds
    });
}

bool directory_state::publish_events() {
  if (!wanted || routers.empty())
    return false;
  if (!watched) {
    owes_resync = true;
    if (!begin_watch())
      return false;
  }
  if (owes_resync && !tell_resync())
    return false;
  auto events = store->events_after(cursor, events_per_read);
  if (!events && events.error() != errc::not_found)
    return false; // away: what happens meanwhile is in the stream when it is back
  if (!events) {
    // The stream moved on without us, or began anew: whoever watches must start over.
    watched = false;
    owes_resync = true;
    return true;
  }
  std::map<size_t, std::vector<storage::event>> by_router;
  for (auto &event : *events)
    by_router[slot_of(event.account) % routers.size()].push_back(event);
  for (auto &[index, part] : by_router)
    caf::anon_send(routers[index], event_atom_v, std::move(part));
  return events->size() >= events_per_read;
}

} // namespace stentor::actors
