// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/directory_client.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/unsettled_records.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr size_t max_binds_waiting = 32768;
// Then a bind is asked for without saying when: epochs may be ahead of a clock that a failover set back.
constexpr unsigned most_stale = 4;
// Another node's router may hang while ours would answer; it has this long, then we ask ours.
constexpr std::chrono::milliseconds remote_timeout{1500};

std::chrono::milliseconds timeout_of(incarnation of_router) {
  return of_router == 0 ? directory_client::directory_timeout : remote_timeout;
}

template <class Handle>
caf::strong_actor_ptr strong(const Handle &x) {
  return caf::actor_cast<caf::strong_actor_ptr>(x);
}

} // namespace

// -- batches ----

directory_client::router_key directory_client::own_router(slot s) {
  return {0, s % host_.context().routers.size()};
}

directory_client::batch &directory_client::batch_for(const device_id &device) {
  auto s = slot_of(device);
  auto &ctx = host_.context();
  auto slots = ctx.view->slots();
  auto *owner = slots ? slots->owner(s) : nullptr;
  // Without a link to the owner we ask the directory ourselves: it is the truth, the owner only a way to it.
  if (owner && owner->inc != ctx.inc && links_.is_up(owner->inc))
    return batches_[{owner->inc, links_.router_index(owner->inc, s)}];
  return batches_[own_router(s)];
}

caf::strong_actor_ptr directory_client::router_at(const router_key &key) {
  if (key.inc == 0)
    return strong(host_.context().routers[key.index]);
  return links_.router(key.inc, key.index);
}

bool directory_client::bind(storage::bind_request what) {
  if (binds_waiting_ >= max_binds_waiting)
    return false;
  ++binds_waiting_;
  batch_for(what.device).binds.push_back(std::move(what));
  return true;
}

void directory_client::unbind(storage::unbind_request what) {
  batch_for(what.device).unbinds.push_back(std::move(what));
}

void directory_client::resolve(const device_id &device, uint64_t ticket) {
  host_.counters().resolve_asked();
  auto &b = batch_for(device);
  b.lookups.push_back(device);
  b.tickets.push_back(ticket);
}

void directory_client::flush() {
  for (auto &[to, work] : std::exchange(batches_, {})) {
    // Unbinds first: within one turn a device may end one session and begin another.
    if (!work.unbinds.empty())
      send_unbinds(std::move(work.unbinds), to);
    if (!work.lookups.empty())
      send_lookups(std::move(work.lookups), std::move(work.tickets), to);
    if (work.binds.empty())
      continue;
    // One batch of binds a router at a time: what comes meanwhile goes together with the answer. A storm's
    // turns bring one or two binds a router each, and a message costs more than what is in it. They keep the
    // lease they were asked under: what waits while this node loses its lease is fenced.
    if (binding_.insert(to).second)
      send_binds(std::move(work.binds), to, {});
    else
      batches_[to].binds = std::move(work.binds);
  }
}

// -- binds ----

void directory_client::send_binds(std::vector<storage::bind_request> binds, const router_key &to,
                                  bind_try how) {
  auto &ctx = host_.context();
  // Not later than somebody waits for it, and not where the device was bound meanwhile: a router that wakes
  // up with old binds in its mailbox would take the devices from whoever has them by then.
  auto now = ctx.boot_now();
  auto until = ctx.view->write_until(now, timeout_of(to.inc));
  auto asked_at = how.stale < most_stale ? ctx.view->directory_now(now) : 0;
  auto settled_at = host_.now() + timeout_of(to.inc); // the one before could land only sooner
  auto sent = binds;
  for (auto &x : sent) {
    x.lease_until = std::min(x.lease_until, until);
    x.asked_at = asked_at;
  }
  requests_.ask(
      router_at(to), timeout_of(to.inc), caf::make_message(bind_atom_v, std::move(sent)),
      [this, to, how, settled_at, binds = std::move(binds)](caf::expected<caf::message> answer) mutable {
        if (how.first())
          binding_.erase(to);
        auto *answers = content_of<std::vector<bind_answer>>(answer);
        if (!answers && to.inc != 0) { // the owner's node is away: binding again is idempotent
          auto own = own_router(slot_of(binds.front().device));
          send_binds(std::move(binds), own, {true, how.stale});
        } else {
          tell_bound(std::move(binds), answers, to, how, settled_at);
        }
      },
      to.inc);
}

void directory_client::tell_bound(std::vector<storage::bind_request> asked,
                                  const std::vector<bind_answer> *answers, const router_key &to, bind_try how,
                                  time_point settled_at) {
  std::vector<storage::bind_request> overtaken;
  for (size_t i = 0; i < asked.size(); ++i) {
    auto said = answers && i < answers->size() ? (*answers)[i] : bind_answer{errc::timed_out, 0, caf::none};
    auto *session = sessions_.find(asked[i].to.session);
    if (said.error == errc::stale && session) {
      overtaken.push_back(std::move(asked[i]));
      continue;
    }
    --binds_waiting_;
    if (how.again && said.error != errc::none)
      said.error = errc::timed_out; // what became of the first try is unknown
    if (session)
      session->on_bound(said);
    else if (said.error == errc::none) // it ended meanwhile: nothing may stand for it
      undo_bind({asked[i].device, said.ep, host_.context().lease_until()}, asked[i].account, said.previous);
    else if (said.error == errc::timed_out) // its answer was lost, the record may be there
      unsettled_.add({asked[i].device, asked[i].to.session, 0, settled_at});
  }
  // Connections of one device that come at the same time: one of them is the last, and that it is asked for
  // now shows that it is not an old request that lay somewhere.
  if (!overtaken.empty())
    send_binds(std::move(overtaken), to, {how.again, how.stale + 1});
}

// -- unbinds ----

void directory_client::send_unbinds(std::vector<storage::unbind_request> unbinds, const router_key &to) {
  auto message = caf::make_message(unbind_atom_v, unbinds);
  requests_.ask(
      router_at(to), timeout_of(to.inc), std::move(message),
      [this, unbinds = std::move(unbinds)](caf::expected<caf::message> answer) mutable {
        auto *taken = content_of<bool>(answer);
        if (!taken || !*taken)
          unbind_again(std::move(unbinds));
      },
      to.inc);
}

void directory_client::undo_bind(storage::unbind_request what, const account_id &account,
                                 const caf::optional<route> &previous) {
  if (!previous) {
    unbind(std::move(what));
    return;
  }
  // A session that still has a connection must not stay without its record: once ours is gone, it is asked to
  // put its own back.
  auto message = caf::make_message(unbind_atom_v, std::vector{what});
  requests_.ask(strong(host_.context().router_of(what.device)), directory_timeout, std::move(message),
                [this, what, account, previous = *previous](caf::expected<caf::message> answer) {
                  auto *taken = content_of<bool>(answer);
                  if (!taken || !*taken)
                    unbind_again({what});
                  else if (auto whom = inbox_at(previous))
                    whom->enqueue(requests_.inbox(), caf::make_message_id(),
                                  caf::make_message(repair_atom_v, std::vector{storage::record{
                                                                       what.device, account, previous}}),
                                  &host_);
                });
}

caf::strong_actor_ptr directory_client::inbox_at(const route &at) {
  auto &ctx = host_.context();
  if (at.inc != ctx.inc)
    return links_.inbox(at.inc, at.session.loop);
  return at.session.loop < ctx.inboxes.size() ? ctx.inboxes[at.session.loop] : nullptr;
}

// -- lookups ----

void directory_client::send_lookups(std::vector<device_id> devices, std::vector<uint64_t> tickets,
                                    const router_key &to) {
  auto message = caf::make_message(lookup_atom_v, devices);
  requests_.ask(
      router_at(to), timeout_of(to.inc), std::move(message),
      [this, to, devices = std::move(devices),
       tickets = std::move(tickets)](caf::expected<caf::message> answer) mutable {
        auto *answers = content_of<std::vector<lookup_answer>>(answer);
        if (!answers && to.inc != 0) {
          auto own = own_router(slot_of(devices.front()));
          send_lookups(std::move(devices), std::move(tickets), own);
        } else {
          tell_resolved(devices, tickets, answers);
        }
      },
      to.inc);
}

void directory_client::tell_resolved(const std::vector<device_id> &devices,
                                     const std::vector<uint64_t> &tickets,
                                     const std::vector<lookup_answer> *answers) {
  for (size_t i = 0; i < devices.size(); ++i) {
    resolution r;
    if (!answers || i >= answers->size() || (*answers)[i].error != errc::none)
      r.what = resolution::kind::unknown;
    else if (auto &found = (*answers)[i].found)
      r = {resolution::kind::found, found->at};
    else if ((*answers)[i].doubtful || host_.context().view->is_doubtful()) // what one of both knows
      r.what = resolution::kind::unknown;
    messages_.on_resolved(devices[i], tickets[i], r);
  }
}

// -- other questions ----

void directory_client::list(const account_id &account, list_handler on_answer, duration most) {
  list_present(
      account,
      [on_answer = std::move(on_answer), &view = *host_.context().view](auto found) {
        on_answer(view.is_doubtful()
                      ? caf::expected<std::vector<storage::record>>{make_error(errc::unavailable)}
                      : std::move(found));
      },
      most);
}

void directory_client::list_present(const account_id &account, list_handler on_answer, duration most) {
  auto timeout = std::chrono::ceil<std::chrono::milliseconds>(std::min<duration>(most, directory_timeout));
  requests_.ask(strong(host_.context().router_of(account)), timeout, caf::make_message(list_atom_v, account),
                [on_answer = std::move(on_answer)](caf::expected<caf::message> answer) {
                  if (answer && answer->match_elements<std::vector<storage::record>>())
                    on_answer(answer->get_as<std::vector<storage::record>>(0));
                  else
                    on_answer(answer ? make_error(errc::unavailable) : answer.error());
                });
}

void directory_client::lookup(const device_id &device, lookup_handler on_answer) {
  requests_.ask(strong(host_.context().router_of(device)), directory_timeout,
                caf::make_message(lookup_atom_v, std::vector<device_id>{device}),
                [on_answer = std::move(on_answer)](caf::expected<caf::message> answer) {
                  auto *found = content_of<std::vector<lookup_answer>>(answer);
                  if (found && found->size() == 1 && (found->front().found || !found->front().doubtful))
                    on_answer(found->front());
                  else
                    on_answer(lookup_answer{errc::unavailable, caf::none});
                });
}

void directory_client::find_record(const device_id &device, const session_ref &who) {
  lookup(device, [this, who](const lookup_answer &answer) {
    if (auto *session = sessions_.find(who))
      session->on_record_found(answer);
  });
}

void directory_client::list_for(const session_ref &who, const account_id &account, listing why) {
  auto on_answer = [this, who, why](const caf::expected<std::vector<storage::record>> &found) {
    if (auto *session = sessions_.find(who))
      session->on_listed(why, found);
  };
  switch (why) {
  case listing::devices:
    return list(account, std::move(on_answer));
  case listing::resync:
    return list_present(account, std::move(on_answer));
  }
}

void directory_client::watch(const account_id &account, const session_ref &who) {
  requests_.ask(strong(host_.context().router_of(account)), directory_timeout,
                caf::make_message(watch_atom_v, caf::actor_cast<caf::actor>(requests_.inbox()), account, who),
                [this, who](caf::expected<caf::message> answer) {
                  auto *taken = content_of<bool>(answer);
                  if (taken && *taken)
                    return;
                  auto is_full = !answer && answer.error() == errc::overloaded;
                  if (auto *session = sessions_.find(who))
                    session->on_watch_refused(is_full ? errc::overloaded : errc::unavailable);
                });
}

void directory_client::unwatch(const account_id &account, const session_ref &who) {
  strong(host_.context().router_of(account))
      ->enqueue(
          requests_.inbox(), caf::make_message_id(),
          caf::make_message(unwatch_atom_v, caf::actor_cast<caf::actor>(requests_.inbox()), account, who),
          &host_);
}

} // namespace stentor::actors
