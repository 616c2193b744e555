// SPDX-License-Identifier: Apache-2.0
#include "actors/loop_inbox.hpp"

#include "actors/loop.hpp"
#include "actors/session.hpp"

#include <algorithm>
#include <tuple>

namespace stentor::actors {

namespace {

constexpr size_t max_binds_waiting = 32768;
constexpr std::chrono::milliseconds tick_length{250};
// The directory bounds its own work by three seconds; one more, so that its answer and not our guess is told.
constexpr std::chrono::milliseconds directory_timeout{4000};

template <class Handle>
caf::strong_actor_ptr strong(const Handle &x) {
  return caf::actor_cast<caf::strong_actor_ptr>(x);
}

} // namespace

loop_inbox::loop_inbox(caf::actor_config &cfg, loop &host) : hosted_actor{cfg, host} {}

// -- requests in general ----

void loop_inbox::ask(const caf::strong_actor_ptr &whom, std::chrono::milliseconds timeout, caf::message what,
                     answer_handler told) {
  auto id = ++last_request_;
  requests_.emplace(id, request{std::move(told), host().now() + timeout});
  keep_ticking();
  auto mid = caf::message_id{id}.with_category(caf::message_id::normal_message_category);
  whom->enqueue(self(), mid, std::move(what), &host());
}

void loop_inbox::on_answer(uint64_t id, caf::mailbox_element &what) {
  auto i = requests_.find(id);
  if (i == requests_.end())
    return; // late: its timeout was told already
  auto told = std::move(i->second.told);
  requests_.erase(i);
  auto &content = what.content();
  if (content.match_elements<caf::error>())
    told(content.get_as<caf::error>(0));
  else
    told(what.move_content_to_message());
}

void loop_inbox::keep_ticking() {
  if (!tick_.is_armed())
    host().io().timers().schedule(tick_, host().now() + tick_length);
}

void loop_inbox::on_tick() {
  auto now = host().now();
  std::vector<answer_handler> late;
  for (auto i = requests_.begin(); i != requests_.end();)
    if (i->second.deadline <= now) {
      late.push_back(std::move(i->second.told));
      i = requests_.erase(i);
    } else {
      ++i;
    }
  for (auto &told : late)
    told(make_error(errc::timed_out));
  if (!requests_.empty())
    keep_ticking();
}

// -- for sessions and flows ----

loop_inbox::batch &loop_inbox::batch_for(const device_id &device) {
  auto &ctx = host().context();
  batches_.resize(ctx.routers.size());
  has_batches_ = true;
  return batches_[slot_of(device) % ctx.routers.size()];
}

bool loop_inbox::bind(storage::bind_request what) {
  if (binds_waiting_ >= max_binds_waiting)
    return false;
  ++binds_waiting_;
  batch_for(what.device).binds.push_back(std::move(what));
  return true;
}

void loop_inbox::unbind(storage::unbind_request what) {
  batch_for(what.device).unbinds.push_back(std::move(what));
}

void loop_inbox::resolve(const device_id &device, uint64_t ticket) {
  auto &b = batch_for(device);
  b.lookups.push_back(device);
  b.tickets.push_back(ticket);
}

void loop_inbox::flush_requests() {
  if (!std::exchange(has_batches_, false))
    return;
  auto &routers = host().context().routers;
  for (size_t i = 0; i < batches_.size(); ++i) {
    auto work = std::move(batches_[i]);
    batches_[i] = {};
    // Unbinds first: within one turn a device may end one session and begin another.
    if (!work.unbinds.empty())
      strong(routers[i])
          ->enqueue(self(), caf::make_message_id(), caf::make_message(unbind_atom_v, std::move(work.unbinds)),
                    &host());
    if (!work.binds.empty())
      send_binds(i, std::move(work.binds));
    if (!work.lookups.empty())
      send_lookups(i, std::move(work.lookups), std::move(work.tickets));
  }
}

void loop_inbox::send_binds(size_t router, std::vector<storage::bind_request> binds) {
  struct asked {
    device_id device;
    session_ref session;
  };
  std::vector<asked> who;
  who.reserve(binds.size());
  for (auto &b : binds)
    who.push_back({b.device, b.to.session});
  ask(strong(host().context().routers[router]), directory_timeout,
      caf::make_message(bind_atom_v, std::move(binds)),
      [this, who = std::move(who)](caf::expected<caf::message> answer) {
        binds_waiting_ -= who.size();
        const std::vector<bind_answer> *answers = nullptr;
        if (answer && answer->match_elements<std::vector<bind_answer>>())
          answers = &answer->get_as<std::vector<bind_answer>>(0);
        for (size_t i = 0; i < who.size(); ++i) {
          auto said =
              answers && i < answers->size() ? (*answers)[i] : bind_answer{errc::timed_out, 0, caf::none};
          if (auto *session = host().sessions().find(who[i].session))
            session->on_bound(said);
          else if (said.error == errc::none) // it ended meanwhile: nothing may stand for it
            unbind({who[i].device, said.ep, host().context().lease_until()});
        }
      });
}

void loop_inbox::send_lookups(size_t router, std::vector<device_id> devices, std::vector<uint64_t> tickets) {
  auto message = caf::make_message(lookup_atom_v, devices);
  ask(strong(host().context().routers[router]), directory_timeout, std::move(message),
      [this, devices = std::move(devices), tickets = std::move(tickets)](caf::expected<caf::message> answer) {
        const std::vector<lookup_answer> *answers = nullptr;
        if (answer && answer->match_elements<std::vector<lookup_answer>>())
          answers = &answer->get_as<std::vector<lookup_answer>>(0);
        for (size_t i = 0; i < devices.size(); ++i) {
          resolution r;
          if (!answers || i >= answers->size() || (*answers)[i].error != errc::none)
            r.what = resolution::kind::unknown;
          else if (auto &found = (*answers)[i].found)
            r = {resolution::kind::found, found->at};
          host().messages().on_resolved(devices[i], tickets[i], r);
        }
      });
}

void loop_inbox::list(const account_id &account, list_handler told) {
  ask(strong(host().context().router_of(account)), directory_timeout, caf::make_message(list_atom_v, account),
      [told = std::move(told)](caf::expected<caf::message> answer) {
        if (answer && answer->match_elements<std::vector<storage::record>>())
          told(answer->get_as<std::vector<storage::record>>(0));
        else
          told(answer ? make_error(errc::unavailable) : answer.error());
      });
}

void loop_inbox::lookup(const device_id &device, lookup_handler told) {
  ask(strong(host().context().router_of(device)), directory_timeout,
      caf::make_message(lookup_atom_v, std::vector<device_id>{device}),
      [told = std::move(told)](caf::expected<caf::message> answer) {
        if (answer && answer->match_elements<std::vector<lookup_answer>>() &&
            answer->get_as<std::vector<lookup_answer>>(0).size() == 1)
          told(answer->get_as<std::vector<lookup_answer>>(0).front());
        else
          told(lookup_answer{errc::unavailable, caf::none});
      });
}

void loop_inbox::watch(const account_id &account, const session_ref &who, std::function<void(bool)> told) {
  ask(strong(host().context().router_of(account)), directory_timeout,
      caf::make_message(watch_atom_v, caf::actor_cast<caf::actor>(self()), account, who),
      [told = std::move(told)](caf::expected<caf::message> answer) {
        told(answer && answer->match_elements<bool>() && answer->get_as<bool>(0));
      });
}

void loop_inbox::unwatch(const account_id &account, const session_ref &who) {
  strong(host().context().router_of(account))
      ->enqueue(self(), caf::make_message_id(),
                caf::make_message(unwatch_atom_v, caf::actor_cast<caf::actor>(self()), account, who),
                &host());
}

// -- what comes in ----

bool loop_inbox::on_message(caf::mailbox_element &what) {
  if (what.mid.is_response()) {
    on_answer(what.mid.request_id().integer_value(), what);
    return true;
  }
  auto &content = what.content();
  if (content.match_elements<event_atom, session_ref, storage::event>()) {
    if (auto *who = host().sessions().find(content.get_as<session_ref>(1)))
      who->on_event(content.get_as<storage::event>(2));
    return true;
  }
  if (content.match_elements<resync_atom, session_ref>()) {
    if (auto *who = host().sessions().find(content.get_as<session_ref>(1)))
      who->on_resync();
    return true;
  }
  if (content.match_elements<drain_atom>()) {
    host().drain();
    return true;
  }
  if (content.match_elements<conclude_atom>()) {
    host().end_sessions();
    return true;
  }
  if (content.match_elements<top_atom, uint32_t>()) {
    reply(what, caf::make_message(busiest(content.get_as<uint32_t>(1))));
    return true;
  }
  return false;
}

std::vector<actor_info> loop_inbox::busiest(uint32_t most) {
  std::vector<hosted_actor *> all;
  host().for_each_actor([&](hosted_actor &who) { all.push_back(&who); });
  auto rank = [](const hosted_actor *x) {
    return std::tuple{x->queue_length(), x->counters().handled, x->id()};
  };
  auto keep = std::min<size_t>(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(keep), all.end(),
                    [&](auto *a, auto *b) { return rank(a) > rank(b); });
  std::vector<actor_info> rows;
  rows.reserve(keep);
  for (size_t i = 0; i < keep; ++i) {
    auto &who = *all[i];
    auto queued = static_cast<uint32_t>(who.queue_length());
    rows.push_back({who.name(), who.subject(), host().index(), who.id(), who.counters().handled, queued,
                    std::max(who.counters().peak, queued), host().now_ms() - who.counters().last_active_ms});
  }
  return rows;
}

void loop_inbox::on_stop() {
  tick_.cancel();
  auto requests = std::move(requests_);
  requests_.clear();
}

} // namespace stentor::actors
