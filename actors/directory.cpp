// SPDX-License-Identifier: Apache-2.0
#include "actors/directory.hpp"

#include "cluster/slots.hpp"

#include <algorithm>
#include <map>

namespace stentor::actors {

namespace {

constexpr size_t events_per_read = 1024;
// Small enough that a bind does not wait behind a node's death.
constexpr size_t sweep_batch = 256;

/// Actor messages of CAF 0.17 cannot carry the standard's.
template <class T>
caf::optional<T> to_caf(std::optional<T> x) {
  if (!x)
    return caf::none;
  return std::move(*x);
}

errc code_of(const caf::error &err) {
  return err.category() == caf::atom("stentor") ? static_cast<errc>(err.code()) : errc::unavailable;
}

template <class Answer>
bool is_failure(const Answer &x) {
  return x.error != errc::none;
}

} // namespace

void directory_state::count_batch(size_t requests, size_t failures) {
  auto &to = numbers->node();
  to.directory_requests.fetch_add(requests, std::memory_order_relaxed);
  to.directory_batches.fetch_add(1, std::memory_order_relaxed);
  to.directory_failures.fetch_add(failures, std::memory_order_relaxed);
  if (auto devices = store->size())
    to.directory_devices.store(static_cast<int64_t>(*devices), std::memory_order_relaxed);
}

std::vector<bind_answer> directory_state::bind(const std::vector<storage::bind_request> &batch) {
  std::vector<bind_answer> answers;
  answers.reserve(batch.size());
  for (auto &result : store->bind(batch))
    if (result)
      answers.push_back({errc::none, result->ep, to_caf(std::move(result->previous))});
    else
      answers.push_back({code_of(result.error()), 0, caf::none});
  count_batch(batch.size(), static_cast<size_t>(std::ranges::count_if(answers, is_failure<bind_answer>)));
  if (poll.count() == 0)
    publish_events();
  return answers;
}

bool directory_state::unbind(const std::vector<storage::unbind_request> &batch) {
  auto failures = std::ranges::count_if(store->unbind(batch), [](auto &result) { return !result; });
  count_batch(batch.size(), static_cast<size_t>(failures));
  if (poll.count() == 0)
    publish_events();
  return failures == 0;
}

std::vector<restore_answer> directory_state::restore(const std::vector<storage::restore_request> &batch) {
  std::vector<restore_answer> answers;
  answers.reserve(batch.size());
  for (auto &result : store->restore(batch))
    if (result)
      answers.push_back({errc::none, result->restored, result->ep, to_caf(std::move(result->holder))});
    else
      answers.push_back({code_of(result.error()), false, 0, caf::none});
  count_batch(batch.size(), static_cast<size_t>(std::ranges::count_if(answers, is_failure<restore_answer>)));
  if (poll.count() == 0)
    publish_events();
  return answers;
}

bool directory_state::sweep(const node_id &node, incarnation inc) {
  auto removed = store->sweep(node, inc, sweep_batch);
  count_batch(1, removed ? 0 : 1);
  if (!removed)
    return false; // membership asks again while something stands
  numbers->node().swept.fetch_add(*removed, std::memory_order_relaxed);
  return *removed >= sweep_batch;
}

void directory_state::notify(const node_id &node, incarnation inc,
                             const std::vector<storage::notice> &notices) {
  auto left = store->notify(node, inc, notices);
  count_batch(1, left && *left ? 0 : 1);
}

std::vector<lookup_answer> directory_state::lookup(const std::vector<device_id> &devices) {
  std::vector<lookup_answer> answers;
  answers.reserve(devices.size());
  for (auto &result : store->lookup(devices))
    if (result)
      answers.push_back({errc::none, to_caf(std::move(*result))});
    else
      answers.push_back({code_of(result.error()), caf::none});
  count_batch(devices.size(), static_cast<size_t>(std::ranges::count_if(answers, is_failure<lookup_answer>)));
  return answers;
}

caf::expected<std::vector<storage::record>> directory_state::list(const account_id &account) {
  return store->devices_of(account);
}

caf::expected<std::vector<storage::record>> directory_state::walk(incarnation inc, slot first, size_t count) {
  auto found = store->records_in(first, count);
  count_batch(1, found ? 0 : 1);
  if (found)
    std::erase_if(*found, [inc](auto &x) { return x.at.inc != inc; });
  return found;
}

bool directory_state::watch() {
  wanted = true;
  return watched || begin_watch();
}

bool directory_state::begin_watch() {
  cursor.clear();
  watched = static_cast<bool>(store->events_after(cursor, 0));
  return watched;
}

void directory_state::tell_resync() {
  for (auto &router : routers)
    caf::anon_send(router, resync_atom_v);
}

uint64_t directory_state::count() {
  auto result = store->size();
  return result ? *result : 0;
}

void directory_state::adopt(const std::vector<caf::strong_actor_ptr> &handles) {
  routers.clear();
  for (auto &handle : handles)
    routers.push_back(caf::actor_cast<router_actor>(handle));
}

void directory_state::publish_events() {
  if (!wanted || routers.empty())
    return;
  if (!watched) {
    if (begin_watch())
      tell_resync();
    return;
  }
  for (;;) {
    auto events = store->events_after(cursor, events_per_read);
    if (!events && events.error() != errc::not_found)
      return; // away: what happens meanwhile is in the stream when it is back
    if (!events) {
      // The stream moved on without us, or began anew: whoever watches must start over.
      begin_watch();
      tell_resync();
      return;
    }
    std::map<size_t, std::vector<storage::event>> by_router;
    for (auto &event : *events)
      by_router[slot_of(event.account) % routers.size()].push_back(event);
    for (auto &[index, part] : by_router)
      caf::anon_send(routers[index], event_atom_v, std::move(part));
    if (events->size() < events_per_read)
      return;
  }
}

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         std::shared_ptr<storage::directory> store,
                                         std::shared_ptr<metrics> numbers, std::chrono::milliseconds poll) {
  self->state.store = std::move(store);
  self->state.numbers = std::move(numbers);
  auto &state = self->state;
  state.poll = poll;
  if (poll.count() > 0)
    self->delayed_send(self, poll, tick_atom_v);
  return {
      [&state](bind_atom, const std::vector<storage::bind_request> &batch) { return state.bind(batch); },
      [&state](unbind_atom, const std::vector<storage::unbind_request> &batch) {
        return state.unbind(batch);
      },
      [&state](restore_atom, const std::vector<storage::restore_request> &batch) {
        return state.restore(batch);
      },
      [self](sweep_atom sweep, const node_id &node, uint64_t inc) {
        if (self->state.sweep(node, inc))
          self->send(self, sweep, node, inc);
      },
      [&state](notice_atom, const node_id &node, uint64_t inc, const std::vector<storage::notice> &notices) {
        state.notify(node, inc, notices);
      },
      [&state](lookup_atom, const std::vector<device_id> &devices) { return state.lookup(devices); },
      [&state](list_atom, const account_id &account) -> caf::result<std::vector<storage::record>> {
        auto found = state.list(account);
        if (!found)
          return found.error();
        return std::move(*found);
      },
      [&state](walk_atom, uint64_t inc, uint16_t first,
               uint16_t count) -> caf::result<std::vector<storage::record>> {
        auto found = state.walk(inc, first, count);
        if (!found)
          return found.error();
        return std::move(*found);
      },
      [&state](watch_atom) { return state.watch(); },
      [&state](count_atom) { return state.count(); },
      [&state](adopt_atom, const std::vector<caf::strong_actor_ptr> &handles) { state.adopt(handles); },
      [self](tick_atom) {
        self->state.publish_events();
        self->delayed_send(self, self->state.poll, tick_atom_v);
      },
  };
}

} // namespace stentor::actors
