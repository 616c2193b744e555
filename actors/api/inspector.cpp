// SPDX-License-Identifier: Apache-2.0
#include "actors/api/inspector.hpp"

#include <algorithm>
#include <tuple>

namespace stentor::actors {

namespace {

constexpr std::chrono::seconds answer_time{1};
constexpr uint32_t max_rows = 1000;

/// The answers of one question, until all loops have answered or failed to.
struct collection {
  std::vector<std::vector<actor_info>> by_loop;
  size_t missing = 0;
};

} // namespace

std::vector<actor_info> merge_rows(std::vector<std::vector<actor_info>> by_loop, size_t most) {
  std::vector<actor_info> all;
  for (auto &part : by_loop)
    std::move(part.begin(), part.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end(), [](const actor_info &a, const actor_info &b) {
    return std::tie(b.queued, b.handled, a.loop, a.id) < std::tie(a.queued, a.handled, b.loop, b.id);
  });
  if (all.size() > most)
    all.resize(most);
  return all;
}

caf::result<std::vector<actor_info>> inspector_state::busiest(uint32_t most) {
  most = std::clamp(most, uint32_t{1}, max_rows);
  auto promise = self->make_response_promise<std::vector<actor_info>>();
  auto answers = std::make_shared<collection>();
  answers->missing = deps.inboxes.size();
  auto arrived = [answers, promise, most](std::vector<actor_info> rows) mutable {
    answers->by_loop.push_back(std::move(rows));
    if (--answers->missing == 0)
      promise.deliver(merge_rows(std::move(answers->by_loop), most));
  };
  for (size_t i = 0; i < deps.inboxes.size(); ++i)
    self->request(deps.inboxes[i], answer_time, top_atom_v, most)
        .then([arrived](std::vector<actor_info> &rows) mutable { arrived(std::move(rows)); },
              [arrived, i](caf::error &) mutable {
                // A loop that hangs is itself the news.
                actor_info row;
                row.name = "loop_inbox";
                row.subject = "no answer";
                row.loop = static_cast<uint16_t>(i);
                arrived({row});
              });
  return promise;
}

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         inspector_deps deps) {
  self->state.self = self;
  self->state.deps = std::move(deps);
  return {[self](metrics_atom) { return self->state.deps.metrics->exposition(); },
          [self](top_atom, uint32_t most) { return self->state.busiest(most); },
          [self](ask_atom, const admin_question &what) { return self->state.answer(what); },
          [self](adopt_atom, const caf::strong_actor_ptr &membership) {
            self->state.membership = caf::actor_cast<membership_actor>(membership);
          },
          [self](link_atom, const link_news &news) { self->state.on_link(news); }};
}

} // namespace stentor::actors
