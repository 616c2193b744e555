// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/auditor.hpp"

#include "actors/telemetry/log.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

// As long as the directory may take for a batch.
constexpr std::chrono::seconds answer_time{4};
// After the directory was away every session puts itself back: what is missing meanwhile is no finding.
constexpr std::chrono::seconds calm{10};

} // namespace

// -- a step ----

/// While writes are provisional, or not ours to make, records and sessions differ by design.
bool auditor_state::can_judge() const {
  return !deps.view->outage && !deps.view->lost &&
         (!deps.clustered || deps.view->can_renew == renew_word::yes);
}

void auditor_state::step() {
  if (open > 0)
    return; // an answer is late: what it is about is looked at first
  if (!can_judge()) {
    logic.forget();
    quiet_until = deps.now() + calm;
    return;
  }
  if (deps.now() < quiet_until)
    return;
  ++open;
  recheck();
  walk();
  sample();
  end_step();
}

void auditor_state::end_step() {
  if (--open == 0)
    repair();
}

void auditor_state::walk() {
  auto count =
      static_cast<uint16_t>(std::min<size_t>(pace().slots * (hurries ? hurry : 1), slot_count - next_slot));
  auto first = static_cast<uint16_t>(next_slot);
  ++open;
  self->request(deps.directory, answer_time, walk_atom_v, uint64_t{deps.inc}, first, count)
      .then(
          [this, count](records &found) {
            next_slot += count;
            if (next_slot >= slot_count) {
              next_slot = 0;
              hurries = false;
              logic.end_round();
              auto &to = deps.metrics->node();
              to.audit_rounds.fetch_add(1, std::memory_order_relaxed);
              to.disagreements.store(static_cast<int64_t>(logic.disagreements()), std::memory_order_relaxed);
            }
            std::vector<std::optional<route>> recorded;
            for (auto &x : found)
              recorded.emplace_back(x.at);
            ask_held(std::move(found), std::move(recorded));
            end_step();
          },
          [this](const caf::error &) { end_step(); }); // the same slots again
}

void auditor_state::sample() {
  if (deps.inboxes.empty())
    return;
  auto loop = next_loop;
  ++open;
  self->request(deps.inboxes[loop], answer_time, sample_atom_v, next_place,
                pace().sessions * (hurries ? hurry : 1u))
      .then(
          [this](session_sample &found) {
            next_place = found.next;
            if (next_place == 0)
              next_loop = (next_loop + 1) % deps.inboxes.size();
            check(std::move(found.held));
            end_step();
          },
          [this](const caf::error &) { end_step(); });
}

void auditor_state::recheck() {
  check(logic.due(deps.now(), pace().rechecks));
}

// -- questions ----

void auditor_state::check(records binds) {
  if (binds.empty())
    return;
  std::vector<device_id> devices;
  for (auto &x : binds)
    devices.push_back(x.device);
  ++open;
  self->request(deps.directory, answer_time, lookup_atom_v, std::move(devices))
      .then(
          [this, binds = std::move(binds)](std::vector<lookup_answer> &answers) mutable {
            records asked;
            std::vector<std::optional<route>> recorded;
            for (size_t i = 0; i < binds.size() && i < answers.size(); ++i) {
              if (answers[i].error != errc::none)
                continue;
              asked.push_back(std::move(binds[i]));
              recorded.push_back(answers[i].found ? std::optional{answers[i].found->at} : std::nullopt);
            }
            ask_held(std::move(asked), std::move(recorded));
            end_step();
          },
          [this](const caf::error &) { end_step(); });
}

void auditor_state::ask_held(records binds, std::vector<std::optional<route>> recorded) {
  struct part {
    records binds;
    std::vector<std::optional<route>> recorded;
  };
  std::vector<part> by_loop(deps.inboxes.size());
  for (size_t i = 0; i < binds.size(); ++i) {
    auto loop = binds[i].at.session.loop;
    if (loop >= by_loop.size()) {
      logic.look(deps.now(), binds[i], hold_word::gone, recorded[i]);
      continue;
    }
    by_loop[loop].binds.push_back(std::move(binds[i]));
    by_loop[loop].recorded.push_back(std::move(recorded[i]));
  }
  for (size_t i = 0; i < by_loop.size(); ++i) {
    if (by_loop[i].binds.empty())
      continue;
    ++open;
    auto question = by_loop[i].binds;
    self->request(deps.inboxes[i], answer_time, held_atom_v, std::move(question))
        .then(
            [this, asked = std::move(by_loop[i])](const std::vector<hold_answer> &words) {
              deps.metrics->node().audited.fetch_add(words.size(), std::memory_order_relaxed);
              for (size_t k = 0; k < words.size() && k < asked.binds.size(); ++k)
                logic.look(deps.now(), asked.binds[k], words[k].word, asked.recorded[k]);
              end_step();
            },
            [this](const caf::error &) { end_step(); });
  }
}

// -- repairs ----

void auditor_state::repair() {
  std::vector<storage::unbind_request> unbinds;
  std::vector<records> by_loop(deps.inboxes.size());
  auto lease_until = deps.view->lease_end.load(std::memory_order_relaxed);
  for (auto &x : logic.take_repairs()) {
    deps.metrics->node().repairs[static_cast<size_t>(x.what)].fetch_add(1, std::memory_order_relaxed);
    log::warn("auditor", "disagreement",
              {{"kind", to_string(x.what)}, {"device", x.bind.device.str()}, {"epoch", x.bind.at.ep}});
    if (x.what == disagreement::orphan)
      unbinds.push_back({x.bind.device, x.bind.at.ep, lease_until});
    else // restoring finds out who holds it, and ends the session where that is another one
      by_loop[x.bind.at.session.loop].push_back(std::move(x.bind));
  }
  if (!unbinds.empty()) // where it fails, the next round finds them again
    self->request(deps.directory, answer_time, unbind_atom_v, std::move(unbinds))
        .then([](bool) {}, [](const caf::error &) {});
  for (size_t i = 0; i < by_loop.size(); ++i)
    if (!by_loop[i].empty())
      caf::anon_send(deps.inboxes[i], repair_atom_v, std::move(by_loop[i]));
}

// -- the actor ----

auditor_actor::behavior_type auditor(auditor_actor::stateful_pointer<auditor_state> self, auditor_deps deps) {
  auto &state = self->state;
  state.self = self;
  state.deps = std::move(deps);
  self->delayed_send(self, state.pace().step, tick_atom_v);
  return {
      [self](tick_atom tick) {
        self->state.step();
        self->delayed_send(self, self->state.pace().step, tick);
      },
      [self](settled_atom) {
        self->state.hurries = true;
        self->state.next_slot = 0;
      },
  };
}

} // namespace stentor::actors
