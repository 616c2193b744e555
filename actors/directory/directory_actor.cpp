// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/directory_actor.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::seconds between_sizes{1};

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

/// What an unbind's asker gets is one word for all of its devices.
struct unbind_answer {
  errc error = errc::none;
};

template <class Answer>
bool is_failure(const Answer &x) {
  return x.error != errc::none;
}

bool reply_from(std::span<unbind_answer> answers) {
  return std::ranges::none_of(answers, is_failure<unbind_answer>);
}

template <class Answer>
std::vector<Answer> reply_from(std::span<Answer> answers) {
  return {std::make_move_iterator(answers.begin()), std::make_move_iterator(answers.end())};
}

// -- what an asker hears whose request was not carried out ----

template <class Answer>
void refuse(caf::typed_response_promise<std::vector<Answer>> &asker, size_t items, errc why) {
  Answer one;
  one.error = why;
  asker.deliver(std::vector<Answer>(items, one));
}

void refuse(caf::typed_response_promise<bool> &asker, size_t, errc) {
  asker.deliver(false);
}

void refuse(caf::typed_response_promise<std::vector<storage::record>> &asker, size_t, errc why) {
  asker.deliver(make_error(why));
}

/// For a write the truth: nothing was done.
template <class Queue>
constexpr errc late_word = errc::unavailable;
template <>
constexpr errc late_word<decltype(directory_state::lookups)> = errc::timed_out;
template <>
constexpr errc late_word<decltype(directory_state::lists)> = errc::timed_out;

} // namespace

// -- what waits ----

template <class Queue>
caf::result<typename Queue::reply> directory_state::ask(Queue &to, typename Queue::batch what) {
  auto promise = self->make_response_promise<typename Queue::reply>();
  if (to.has_room(what.size())) {
    to.add(std::move(what), promise, now(), ++last_number_);
    want_work();
  } else {
    metrics->node().directory_refused.fetch_add(what.size(), std::memory_order_relaxed);
    refuse(promise, what.size(), errc::unavailable);
  }
  return promise;
}

bool directory_state::is_idle() const noexcept {
  return unbinds.empty() && binds.empty() && restores.empty() && lookups.empty() && lists.empty() &&
         chores.empty();
}

/// Behind what lies in the mailbox already: all of that is carried out together.
void directory_state::want_work() {
  if (!std::exchange(working_, true))
    self->send(self, work_atom_v);
}

void directory_state::work() {
  working_ = false;
  for (size_t i = 0; i < kinds; ++i)
    if (step(std::exchange(next_kind_, (next_kind_ + 1) % kinds)))
      break;
  answer_counts();
  if (is_idle())
    next_kind_ = 0; // unbinds before binds, where both come at once
  else
    want_work();
}

bool directory_state::step(size_t kind) {
  // An unbind that comes after the bind that replaces it does no harm: it names its epoch.
  switch (kind) {
  case 0:
    return unbind_all();
  case 1:
    return bind_all();
  case 2:
    return restore_all();
  case 3:
    return lookup_all();
  case 4:
    return list_one();
  default:
    return do_chore();
  }
}

template <class Queue>
void directory_state::refuse_late(Queue &from) {
  size_t late = 0;
  for (auto &x : from.take_late(now())) {
    late += x.what.size();
    refuse(x.asker, x.what.size(), late_word<Queue>);
  }
  metrics->node().directory_late.fetch_add(late, std::memory_order_relaxed);
}

/// `call` takes the whole batch and answers item by item.
template <class Queue, class Call>
bool directory_state::carry_out(Queue &from, Call call) {
  refuse_late(from);
  auto asked = from.take(items_a_call);
  if (asked.empty())
    return false;
  typename Queue::batch all = std::move(asked.front().what);
  std::vector<size_t> sizes{all.size()};
  for (size_t i = 1; i < asked.size(); ++i) {
    sizes.push_back(asked[i].what.size());
    std::ranges::move(asked[i].what, std::back_inserter(all));
  }
  auto answers = call(all);
  count_batch(all.size(),
              static_cast<size_t>(std::ranges::count_if(answers, [](auto &x) { return is_failure(x); })));
  std::span rest{answers};
  for (size_t i = 0; i < asked.size(); ++i) {
    asked[i].asker.deliver(reply_from(rest.first(sizes[i])));
    rest = rest.subspan(sizes[i]);
  }
  return true;
}

void directory_state::count_batch(size_t requests, size_t failures) {
  auto &to = metrics->node();
  to.directory_requests.fetch_add(requests, std::memory_order_relaxed);
  to.directory_batches.fetch_add(1, std::memory_order_relaxed);
  to.directory_failures.fetch_add(failures, std::memory_order_relaxed);
  if (poll.count() > 0)
    return;
  // In memory both cost nothing, and only this actor makes events.
  read_size();
  while (publish_events()) {
  }
}

void directory_state::read_size() {
  size_read_ = now();
  if (auto devices = store->size())
    metrics->node().directory_devices.store(static_cast<int64_t>(*devices), std::memory_order_relaxed);
}

// -- calls, each for everyone who asked ----

bool directory_state::unbind_all() {
  return carry_out(unbinds, [this](auto &batch) {
    std::vector<unbind_answer> answers;
    answers.reserve(batch.size());
    for (auto &result : store->unbind(batch))
      answers.push_back({result ? errc::none : code_of(result.error())});
    return answers;
  });
}

bool directory_state::bind_all() {
  return carry_out(binds, [this](auto &batch) {
    std::vector<bind_answer> answers;
    answers.reserve(batch.size());
    for (auto &result : store->bind(batch))
      if (result)
        answers.push_back({errc::none, result->ep, to_caf(std::move(result->previous))});
      else
        answers.push_back({code_of(result.error()), 0, caf::none});
    return answers;
  });
}

bool directory_state::restore_all() {
  return carry_out(restores, [this](auto &batch) {
    std::vector<restore_answer> answers;
    answers.reserve(batch.size());
    for (auto &result : store->restore(batch))
      if (result)
        answers.push_back({errc::none, result->restored, result->ep, to_caf(std::move(result->holder))});
      else
        answers.push_back({code_of(result.error()), false, 0, caf::none});
    return answers;
  });
}

bool directory_state::lookup_all() {
  return carry_out(lookups, [this](auto &batch) {
    std::vector<lookup_answer> answers;
    answers.reserve(batch.size());
    auto results = store->lookup(batch);
    auto doubtful = view->is_doubtful(store->run_id());
    for (auto &result : results)
      if (result)
        answers.push_back({errc::none, to_caf(std::move(*result)), doubtful});
      else
        answers.push_back({code_of(result.error()), caf::none});
    return answers;
  });
}

bool directory_state::list_one() {
  refuse_late(lists);
  auto asked = lists.take(1);
  if (asked.empty())
    return false;
  auto found = store->devices_of(asked.front().what.front());
  if (found && !view->is_known_run(store->run_id()))
    found = make_error(errc::unavailable, "the directory has been restarted");
  count_batch(1, found ? 0 : 1);
  if (found)
    asked.front().asker.deliver(std::move(*found));
  else
    asked.front().asker.deliver(found.error());
  return true;
}

void directory_state::adopt(const std::vector<caf::strong_actor_ptr> &handles) {
  routers.clear();
  for (auto &handle : handles)
    routers.push_back(caf::actor_cast<router_actor>(handle));
}

void directory_state::tick() {
  want_events();
  // A figure: nobody waits for it, and nobody shall wait because of it.
  if (now() - size_read_ >= between_sizes && binds.empty() && unbinds.empty() && restores.empty() &&
      lookups.empty() && lists.empty())
    if (add_chore([this] { read_size(); }))
      size_read_ = now();
}

// -- the actor ----

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         std::shared_ptr<storage::directory> store,
                                         std::shared_ptr<actors::metrics> metrics,
                                         std::shared_ptr<const cluster_view> view,
                                         std::chrono::milliseconds poll) {
  auto &state = self->state;
  state.self = self;
  state.store = std::move(store);
  state.metrics = std::move(metrics);
  state.view = std::move(view);
  state.poll = poll;
  if (poll.count() > 0)
    self->delayed_send(self, poll, tick_atom_v);
  return {
      [&state](bind_atom, std::vector<storage::bind_request> &batch) {
        return state.ask(state.binds, std::move(batch));
      },
      [&state](unbind_atom, std::vector<storage::unbind_request> &batch) {
        return state.ask(state.unbinds, std::move(batch));
      },
      [&state](restore_atom, std::vector<storage::restore_request> &batch) {
        return state.ask(state.restores, std::move(batch));
      },
      [&state](sweep_atom, const node_id &node, uint64_t inc) { state.sweep(node, inc); },
      [&state](notice_atom, const node_id &node, uint64_t inc, const std::vector<storage::notice> &notices) {
        return state.notify(node, inc, notices);
      },
      [&state](lookup_atom, std::vector<device_id> &devices) {
        return state.ask(state.lookups, std::move(devices));
      },
      [&state](list_atom, const account_id &account) { return state.ask(state.lists, std::vector{account}); },
      [&state](watch_atom) { return state.watch(); },
      [&state](walk_atom, uint64_t inc, uint16_t first, uint16_t count) {
        return state.walk(inc, first, count);
      },
      [&state](count_atom) { return state.count(); },
      [&state](adopt_atom, const std::vector<caf::strong_actor_ptr> &handles) { state.adopt(handles); },
      [self](tick_atom) {
        self->state.tick();
        self->delayed_send(self, self->state.poll, tick_atom_v);
      },
      [&state](work_atom) { state.work(); },
  };
}

} // namespace stentor::actors
