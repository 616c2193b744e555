// SPDX-License-Identifier: Apache-2.0
#include "actors/directory.hpp"

#include "cluster/slots.hpp"

#include <algorithm>
#include <map>

namespace stentor::actors {

namespace {

constexpr size_t events_per_read = 1024;

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
  publish_events();
  return answers;
}

void directory_state::unbind(const std::vector<storage::unbind_request> &batch) {
  auto failures = std::ranges::count_if(store->unbind(batch), [](auto &result) { return !result; });
  count_batch(batch.size(), static_cast<size_t>(failures));
  publish_events();
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

bool directory_state::watch() {
  if (watched)
    return true;
  cursor.clear();
  watched = static_cast<bool>(store->events_after(cursor, 0));
  return watched;
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
  if (!watched || routers.empty())
    return;
  for (;;) {
    auto events = store->events_after(cursor, events_per_read);
    if (!events) {
      // The stream moved on without us: whoever watches must start over.
      cursor.clear();
      for (auto &router : routers)
        caf::anon_send(router, resync_atom_v);
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
                                         std::shared_ptr<metrics> numbers) {
  self->state.store = std::move(store);
  self->state.numbers = std::move(numbers);
  auto &state = self->state;
  return {
      [&state](bind_atom, const std::vector<storage::bind_request> &batch) { return state.bind(batch); },
      [&state](unbind_atom, const std::vector<storage::unbind_request> &batch) { state.unbind(batch); },
      [&state](lookup_atom, const std::vector<device_id> &devices) { return state.lookup(devices); },
      [&state](list_atom, const account_id &account) -> caf::result<std::vector<storage::record>> {
        auto found = state.list(account);
        if (!found)
          return found.error();
        return std::move(*found);
      },
      [&state](watch_atom) { return state.watch(); },
      [&state](count_atom) { return state.count(); },
      [&state](adopt_atom, const std::vector<caf::strong_actor_ptr> &handles) { state.adopt(handles); },
  };
}

} // namespace stentor::actors
