// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/router.hpp"

#include <algorithm>
#include <chrono>

namespace stentor::actors {

namespace {

// The directory bounds its own work by three seconds.
constexpr std::chrono::milliseconds directory_timeout{3500};

/// Epochs follow the directory's clock, which is away: this machine's stands in.
storage::directory_time wall_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace

// -- watchers ----

bool router_state::add(const loop_inbox_actor &inbox, const account_id &account, const session_ref &who) {
  auto &list = watchers[account];
  auto same = [&](const watcher &x) { return x.session == who && x.inbox == inbox; };
  if (std::any_of(list.begin(), list.end(), same))
    return true;
  if (list.size() >= max_watchers)
    return false;
  list.push_back({inbox, who});
  return true;
}

void router_state::remove(const loop_inbox_actor &inbox, const account_id &account, const session_ref &who) {
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

// -- the directory is away ----

std::vector<bind_answer> router_state::bind_provisionally(const std::vector<storage::bind_request> &batch) {
  std::vector<bind_answer> answers;
  answers.reserve(batch.size());
  auto now = wall_clock();
  for (auto &x : batch)
    answers.push_back(provisional.bind(x, now));
  return answers;
}

void router_state::unbind_provisional(const std::vector<storage::unbind_request> &batch) {
  for (auto &x : batch)
    provisional.unbind(x);
}

std::vector<lookup_answer> router_state::find_provisional(const std::vector<device_id> &devices) const {
  std::vector<lookup_answer> answers;
  answers.reserve(devices.size());
  for (auto &device : devices)
    if (auto found = provisional.find(device))
      answers.push_back({errc::none, std::move(*found)});
    else
      answers.push_back({errc::unavailable, caf::none});
  return answers;
}

std::vector<storage::bind_request>
router_state::above_provisional(std::vector<storage::bind_request> batch) const {
  for (auto &x : batch)
    x.floor = std::max(x.floor, provisional.floor_of(x.device));
  return batch;
}

void router_state::merge(const std::vector<storage::bind_request> &asked, std::vector<bind_answer> &answers) {
  for (size_t i = 0; i < asked.size() && i < answers.size(); ++i) {
    auto &answer = answers[i];
    auto known = provisional.find(asked[i].device);
    if (answer.error != errc::none || !known)
      continue;
    auto is_self = known->at.inc == asked[i].to.inc && known->at.session == asked[i].to.session;
    if (!is_self && (!answer.previous || answer.previous->ep < known->at.ep))
      answer.previous = known->at;
    provisional.forget(asked[i].device, answer.ep);
  }
}

void router_state::merge(const std::vector<device_id> &asked, std::vector<lookup_answer> &answers) const {
  for (size_t i = 0; i < asked.size() && i < answers.size(); ++i) {
    auto known = provisional.find(asked[i]);
    if (!known)
      continue;
    auto &answer = answers[i];
    if (answer.error != errc::none || !answer.found || answer.found->at.ep < known->at.ep)
      answer = {errc::none, std::move(*known), false};
  }
}

// -- questions ----

caf::result<router_state::bind_answers> router_state::bind(const binds &batch) {
  if (is_outage())
    return bind_provisionally(batch);
  if (!provisional.empty())
    return bind_with_provisional(batch);
  return self->delegate(directory, bind_atom_v, batch);
}

caf::result<router_state::bind_answers> router_state::bind_with_provisional(const binds &batch) {
  auto promise = self->make_response_promise<bind_answers>();
  auto raised = above_provisional(batch);
  auto deliver = [this, promise, raised](bind_answers &answers) mutable {
    merge(raised, answers);
    promise.deliver(std::move(answers));
  };
  self->request(directory, directory_timeout, bind_atom_v, raised)
      .then(std::move(deliver), [promise](caf::error &why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<bool> router_state::unbind(const std::vector<storage::unbind_request> &batch) {
  unbind_provisional(batch);
  if (is_outage())
    return false;
  return self->delegate(directory, unbind_atom_v, batch);
}

caf::result<router_state::lookup_answers> router_state::lookup(const std::vector<device_id> &devices) {
  if (is_outage())
    return find_provisional(devices);
  if (!provisional.empty())
    return lookup_with_provisional(devices);
  return self->delegate(directory, lookup_atom_v, devices);
}

caf::result<router_state::lookup_answers>
router_state::lookup_with_provisional(const std::vector<device_id> &devices) {
  auto promise = self->make_response_promise<lookup_answers>();
  auto deliver = [this, promise, devices](lookup_answers &answers) mutable {
    merge(devices, answers);
    promise.deliver(std::move(answers));
  };
  self->request(directory, directory_timeout, lookup_atom_v, devices)
      .then(std::move(deliver), [promise](caf::error &why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<bool> router_state::watch(const loop_inbox_actor &inbox, const account_id &account,
                                      const session_ref &who) {
  // Added first: an event between the directory's answer and ours must not be missed.
  if (!add(inbox, account, who))
    return make_error(errc::overloaded);
  return self->delegate(directory, watch_atom_v);
}

// -- the actor ----

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   directory_actor directory, std::shared_ptr<const cluster_view> view,
                                   size_t max_watchers) {
  auto &state = self->state;
  state.directory = std::move(directory);
  state.view = std::move(view);
  state.max_watchers = max_watchers;
  return {
      [&state](bind_atom, const router_state::binds &batch) { return state.bind(batch); },
      [&state](unbind_atom, const std::vector<storage::unbind_request> &batch) {
        return state.unbind(batch);
      },
      [&state](lookup_atom, const std::vector<device_id> &devices) { return state.lookup(devices); },
      [&state](list_atom list, const account_id &account) {
        return state.self->delegate(state.directory, list, account);
      },
      [&state](watch_atom, const caf::actor &inbox, const account_id &account, const session_ref &who) {
        return state.watch(caf::actor_cast<loop_inbox_actor>(inbox), account, who);
      },
      [&state](unwatch_atom, const caf::actor &inbox, const account_id &account, const session_ref &who) {
        state.remove(caf::actor_cast<loop_inbox_actor>(inbox), account, who);
      },
      [&state](event_atom, const std::vector<storage::event> &events) { state.publish(events); },
      [&state](dead_atom, uint64_t inc) { state.provisional.forget(inc); },
      [&state](settled_atom) { state.provisional.clear(); },
      [&state](resync_atom) { state.resync(); },
  };
}

} // namespace stentor::actors
