// SPDX-License-Identifier: Apache-2.0
// The inspector's second half: the operator's questions about the cluster.
#include "actors/api/inspector.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::seconds answer_time{1};

} // namespace

void inspector_state::on_link(const link_news &news) {
  if (news.up)
    linked.insert_or_assign(news.inc, news);
  else if (auto known = linked.find(news.inc);
           known != linked.end() && known->second.link_epoch == news.link_epoch)
    linked.erase(known);
}

caf::result<admin_page> inspector_state::answer(const admin_question &what) {
  switch (what.what) {
  case admin_question::kind::nodes:
    return show_nodes();
  case admin_question::kind::slots:
    return slots_page(*slots(), deps.self, what);
  case admin_question::kind::device:
    if (auto device = device_id::make(what.subject))
      return show_device(*device);
    break;
  case admin_question::kind::drain:
    return drain(what);
  }
  return error_page(400, "invalid_id", "unknown request"); // another version of us asks
}

// -- gathering ----

std::vector<inspector_state::loop_address> inspector_state::all_loops() const {
  std::vector<loop_address> all;
  for (auto &inbox : deps.inboxes)
    all.push_back({deps.self, inbox});
  for (auto &[inc, news] : linked)
    for (auto &inbox : news.inboxes)
      all.push_back({{news.node, inc}, caf::actor_cast<loop_inbox_actor>(inbox)});
  return all;
}

/// Asks every loop that can be reached; `done` gets the loops, and an answer or none beside each.
template <class T, class Done, class... Ts>
void inspector_state::ask_loops(Done done, const Ts &...question) {
  struct collection {
    std::vector<loop_address> loops;
    std::vector<std::optional<T>> answers;
    std::vector<duration> took;
    size_t missing = 0;
  };
  auto all = std::make_shared<collection>();
  all->loops = all_loops();
  all->answers.resize(all->loops.size());
  all->took.resize(all->loops.size());
  all->missing = all->loops.size();
  auto began = self->clock().now();
  for (size_t i = 0; i < all->loops.size(); ++i) {
    auto arrived = [all, done, i](std::optional<T> answer, duration took) mutable {
      all->answers[i] = std::move(answer);
      all->took[i] = took;
      if (--all->missing == 0)
        done(*all);
    };
    self->request(all->loops[i].inbox, answer_time, question...)
        .then([this, began,
               arrived](T &answer) mutable { arrived(std::move(answer), self->clock().now() - began); },
              [arrived](const caf::error &) mutable { arrived(std::nullopt, {}); });
  }
  if (all->loops.empty())
    done(*all);
}

// -- the view ----

std::shared_ptr<const slot_map> inspector_state::slots() const {
  if (auto known = deps.view->slots())
    return known;
  return std::make_shared<const slot_map>(std::vector{deps.self}); // a single node
}

node_state inspector_state::own_state() const {
  node_state x;
  x.self = deps.self;
  x.outage = deps.view->outage;
  x.fenced = deps.clustered && deps.boot_now() >= deps.view->lease.until();
  if (auto *why = deps.view->why_not_ready())
    x.not_ready = why;
  return x;
}

caf::result<admin_page> inspector_state::show_nodes() {
  auto promise = self->make_response_promise<admin_page>();
  auto show = [this, promise](std::vector<member_info> members) {
    ask_loops<loop_info>(
        [this, promise, members](auto &said) mutable {
          std::vector<node_row> rows;
          for (auto &x : members)
            rows.push_back({std::move(x), node_row::link::down, 0, std::nullopt, false, {}});
          auto row_of = [&](const slot_node &who) -> node_row & {
            for (auto &row : rows)
              if (row.who.inc == who.inc)
                return row;
            // Linked, but in no view: it has just left, or will be seen with the next renewal.
            rows.push_back(
                {{who.node, who.inc, {}, who == deps.self ? "up" : "unlisted", 0}, {}, 0, {}, false, {}});
            return rows.back();
          };
          for (size_t i = 0; i < said.loops.size(); ++i) {
            auto &row = row_of(said.loops[i].node);
            auto is_first = i == 0 || said.loops[i - 1].node != said.loops[i].node;
            if (is_first)
              row.answered = true;
            auto is_self = said.loops[i].node == deps.self;
            row.at = is_self ? node_row::link::self : node_row::link::up;
            if (auto link = linked.find(row.who.inc); link != linked.end())
              row.link_epoch = link->second.link_epoch;
            if (!said.answers[i]) {
              row.answered = false;
              continue;
            }
            auto us = std::chrono::duration_cast<std::chrono::microseconds>(said.took[i]).count();
            if (!is_self)
              row.round_trip_us = std::min<int64_t>(row.round_trip_us.value_or(us), us);
            row.load.connections += said.answers[i]->connections;
            row.load.sessions += said.answers[i]->sessions;
          }
          promise.deliver(nodes_page(own_state(), *slots(), rows));
        },
        count_atom_v);
  };
  if (!membership) {
    show({});
    return promise;
  }
  self->request(membership, answer_time, members_atom_v)
      .then(
          [show](std::vector<member_info> &members) { show(std::move(members)); },
          [show](const caf::error &) { show({}); }); // it waits for the directory: the links are still known
  return promise;
}

// -- a device ----

caf::result<admin_page> inspector_state::show_device(const device_id &device) {
  auto promise = self->make_response_promise<admin_page>();
  auto facts = std::make_shared<device_facts>();
  facts->device = device;
  auto ask_sessions = [this, promise, facts] {
    ask_loops<std::vector<session_info>>(
        [this, promise, facts](auto &said) mutable {
          for (size_t i = 0; i < said.loops.size(); ++i)
            if (said.answers[i])
              for (auto &x : *said.answers[i])
                facts->sessions.push_back(std::move(x));
            else if (std::ranges::find(facts->silent, said.loops[i].node) == facts->silent.end())
              facts->silent.push_back(said.loops[i].node);
          // Nodes that live and have no link cannot be asked.
          auto view = slots(); // a single node's is made for the call
          for (auto &x : view->nodes())
            if (x != deps.self && !linked.contains(x.inc))
              facts->silent.push_back(x);
          if (facts->record && facts->record->at.inc != deps.self.inc &&
              !linked.contains(facts->record->at.inc)) {
            slot_node holder{facts->record->at.node, facts->record->at.inc};
            if (std::ranges::find(facts->silent, holder) == facts->silent.end())
              facts->silent.push_back(holder);
          }
          promise.deliver(device_page(*facts));
        },
        sessions_atom_v, facts->device);
  };
  self->request(deps.directory, answer_time, lookup_atom_v, std::vector<device_id>{device})
      .then(
          [facts, ask_sessions](std::vector<lookup_answer> &answers) {
            if (answers.size() == 1 && answers[0].error == errc::none) {
              facts->directory_answered = true;
              if (answers[0].found)
                facts->record = std::move(*answers[0].found);
            }
            ask_sessions();
          },
          [ask_sessions](const caf::error &) { ask_sessions(); });
  return promise;
}

// -- drain ----

caf::result<admin_page> inspector_state::drain(const admin_question &what) {
  if (what.subject.empty() || what.subject == deps.self.node.str()) {
    // Another node's, maybe of another version: the bounds are ours.
    deps.view->drain_over_ms =
        std::clamp<int64_t>(what.over_ms, -1, std::chrono::milliseconds{longest_drain_over}.count());
    deps.view->drain_asked = true;
    return admin_page{202, R"({"node":")" + deps.self.node.str() + R"(","draining":true})"};
  }
  auto there = std::ranges::find_if(linked, [&](auto &x) { return x.second.node.str() == what.subject; });
  if (there == linked.end() || there->second.inboxes.empty())
    return error_page(
        404, "not_found",
        "this node has no link to a node of that name: send the request to that node's own API address");
  auto promise = self->make_response_promise<admin_page>();
  self->request(caf::actor_cast<loop_inbox_actor>(there->second.inboxes.front()), answer_time, ask_atom_v,
                what)
      .then([promise](admin_page &page) mutable { promise.deliver(std::move(page)); },
            [promise](const caf::error &) mutable {
              promise.deliver(error_page(
                  504, "timed_out", "that node did not answer in time; it may be draining nevertheless"));
            });
  return promise;
}

} // namespace stentor::actors
