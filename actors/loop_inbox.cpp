// SPDX-License-Identifier: Apache-2.0
#include "actors/loop_inbox.hpp"

#include "actors/loop.hpp"
#include "actors/loop_answers.hpp"
#include "actors/session.hpp"

#include <algorithm>
#include <tuple>

namespace stentor::actors {

namespace {

constexpr size_t max_binds_waiting = 32768;
constexpr size_t max_unbinds_waiting = 32768;
constexpr std::chrono::milliseconds tick_length{250};
// Another node's router may hang while ours would answer; it has this long, then we ask ours.
constexpr std::chrono::milliseconds remote_timeout{1500};

std::chrono::milliseconds timeout_of(incarnation of_router) {
  return of_router == 0 ? loop_inbox::directory_timeout : remote_timeout;
}

/// The answer's only value; null where it is none of that type.
template <class T>
const T *content_of(const caf::expected<caf::message> &answer) {
  return answer && answer->match_elements<T>() ? &answer->get_as<T>(0) : nullptr;
}

template <class Handle>
caf::strong_actor_ptr strong(const Handle &x) {
  return caf::actor_cast<caf::strong_actor_ptr>(x);
}

} // namespace

loop_inbox::loop_inbox(caf::actor_config &cfg, loop &host) : hosted_actor{cfg, host} {}

// -- requests in general ----

void loop_inbox::ask(const caf::strong_actor_ptr &whom, std::chrono::milliseconds timeout, caf::message what,
                     answer_handler told, incarnation at) {
  if (!whom) {
    told(make_error(errc::unavailable));
    return;
  }
  auto id = ++last_request_;
  requests_.emplace(id, request{std::move(told), host().now() + timeout, at});
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

void loop_inbox::end_requests_to(incarnation inc) {
  std::vector<answer_handler> ended;
  for (auto i = requests_.begin(); i != requests_.end();)
    if (i->second.at == inc) {
      ended.push_back(std::move(i->second.told));
      i = requests_.erase(i);
    } else {
      ++i;
    }
  for (auto &told : ended)
    told(make_error(errc::unavailable));
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
  for (auto &x : std::exchange(refused_unbinds_, {})) {
    x.lease_until = host().context().lease_until();
    unbind(std::move(x));
  }
  if (!requests_.empty() || !batches_.empty())
    keep_ticking();
}

// -- for sessions and flows ----

loop_inbox::router_key loop_inbox::own_router(slot s) {
  return {0, s % host().context().routers.size()};
}

loop_inbox::batch &loop_inbox::batch_for(const device_id &device) {
  auto s = slot_of(device);
  auto &ctx = host().context();
  auto slots = ctx.view->slots();
  auto *owner = slots ? slots->owner(s) : nullptr;
  // Without a link to the owner we ask the directory ourselves: it is the truth, the owner only its door.
  if (owner && owner->inc != ctx.inc && host().links().is_up(owner->inc))
    return batches_[{owner->inc, host().links().router_index(owner->inc, s)}];
  return batches_[own_router(s)];
}

caf::strong_actor_ptr loop_inbox::router_at(const router_key &key) {
  if (key.inc == 0)
    return strong(host().context().routers[key.index]);
  return host().links().router(key.inc, key.index);
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
  host().counters().resolve_asked();
  auto &b = batch_for(device);
  b.lookups.push_back(device);
  b.tickets.push_back(ticket);
}

void loop_inbox::flush_requests() {
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
      send_binds(std::move(work.binds), to, false);
    else
      batches_[to].binds = std::move(work.binds);
  }
}

// -- binds ----

void loop_inbox::send_binds(std::vector<storage::bind_request> binds, const router_key &to, bool again) {
  auto &ctx = host().context();
  // Not later than somebody waits for it: a router that wakes up with old binds in its mailbox would take the
  // devices from whoever has them by then.
  auto until = ctx.view->write_until(ctx.boot_now(), timeout_of(to.inc));
  for (auto &x : binds)
    x.lease_until = std::min(x.lease_until, until);
  auto message = caf::make_message(bind_atom_v, binds);
  ask(
      router_at(to), timeout_of(to.inc), std::move(message),
      [this, to, again, binds = std::move(binds)](caf::expected<caf::message> answer) mutable {
        if (!again)
          binding_.erase(to);
        auto *answers = content_of<std::vector<bind_answer>>(answer);
        if (!answers && to.inc != 0) // the owner's node is away: binding again is idempotent
          send_binds(std::move(binds), own_router(slot_of(binds.front().device)), true);
        else
          tell_bound(binds, answers, again);
      },
      to.inc);
}

void loop_inbox::tell_bound(const std::vector<storage::bind_request> &asked,
                            const std::vector<bind_answer> *answers, bool again) {
  binds_waiting_ -= asked.size();
  for (size_t i = 0; i < asked.size(); ++i) {
    auto said = answers && i < answers->size() ? (*answers)[i] : bind_answer{errc::timed_out, 0, caf::none};
    if (again && said.error != errc::none)
      said.error = errc::timed_out; // what became of the first try is unknown
    if (auto *session = host().sessions().find(asked[i].to.session))
      session->on_bound(said);
    else if (said.error == errc::none) // it ended meanwhile: nothing may stand for it
      undo_bind({asked[i].device, said.ep, host().context().lease_until()}, asked[i].account, said.previous);
  }
}

// -- unbinds ----

void loop_inbox::send_unbinds(std::vector<storage::unbind_request> unbinds, const router_key &to) {
  auto message = caf::make_message(unbind_atom_v, unbinds);
  ask(
      router_at(to), timeout_of(to.inc), std::move(message),
      [this, unbinds = std::move(unbinds)](caf::expected<caf::message> answer) mutable {
        auto *taken = content_of<bool>(answer);
        if (!taken || !*taken)
          unbind_again(std::move(unbinds));
      },
      to.inc);
}

void loop_inbox::undo_bind(storage::unbind_request what, const account_id &account,
                           const caf::optional<route> &previous) {
  if (!previous) {
    unbind(std::move(what));
    return;
  }
  // A session that still has a connection must not stay without its record: once ours is gone, it is asked to
  // put its own back.
  auto message = caf::make_message(unbind_atom_v, std::vector{what});
  ask(strong(host().context().router_of(what.device)), directory_timeout, std::move(message),
      [this, what, account, previous = *previous](caf::expected<caf::message> answer) {
        auto *taken = content_of<bool>(answer);
        if (!taken || !*taken)
          unbind_again({what});
        else if (auto whom = inbox_at(previous))
          whom->enqueue(
              self(), caf::make_message_id(),
              caf::make_message(mend_atom_v, std::vector{storage::record{what.device, account, previous}}),
              &host());
      });
}

caf::strong_actor_ptr loop_inbox::inbox_at(const route &at) {
  auto &ctx = host().context();
  if (at.inc != ctx.inc)
    return host().links().inbox(at.inc, at.session.loop);
  return at.session.loop < ctx.loops.size() ? ctx.loops[at.session.loop]->inbox().self() : nullptr;
}

void loop_inbox::unbind_again(std::vector<storage::unbind_request> unbinds) {
  for (auto &x : unbinds) {
    if (refused_unbinds_.size() >= max_unbinds_waiting) {
      host().counters().overflow(queue::unbinds); // the auditor finds what we forget here
      return;
    }
    refused_unbinds_.push_back(std::move(x));
  }
  keep_ticking();
}

// -- lookups ----

void loop_inbox::send_lookups(std::vector<device_id> devices, std::vector<uint64_t> tickets,
                              const router_key &to) {
  auto message = caf::make_message(lookup_atom_v, devices);
  ask(
      router_at(to), timeout_of(to.inc), std::move(message),
      [this, to, devices = std::move(devices),
       tickets = std::move(tickets)](caf::expected<caf::message> answer) mutable {
        auto *answers = content_of<std::vector<lookup_answer>>(answer);
        if (!answers && to.inc != 0)
          send_lookups(std::move(devices), std::move(tickets), own_router(slot_of(devices.front())));
        else
          tell_resolved(devices, tickets, answers);
      },
      to.inc);
}

void loop_inbox::tell_resolved(const std::vector<device_id> &devices, const std::vector<uint64_t> &tickets,
                               const std::vector<lookup_answer> *answers) {
  for (size_t i = 0; i < devices.size(); ++i) {
    resolution r;
    if (!answers || i >= answers->size() || (*answers)[i].error != errc::none)
      r.what = resolution::kind::unknown;
    else if (auto &found = (*answers)[i].found)
      r = {resolution::kind::found, found->at};
    host().messages().on_resolved(devices[i], tickets[i], r);
  }
}

// -- other questions ----

void loop_inbox::list(const account_id &account, list_handler told, duration most) {
  list_what_is_there(
      account,
      [told = std::move(told), &view = *host().context().view](auto found) {
        told(view.doubtful ? caf::expected<std::vector<storage::record>>{make_error(errc::unavailable)}
                           : std::move(found));
      },
      most);
}

void loop_inbox::list_what_is_there(const account_id &account, list_handler told, duration most) {
  auto timeout = std::chrono::ceil<std::chrono::milliseconds>(std::min<duration>(most, directory_timeout));
  ask(strong(host().context().router_of(account)), timeout, caf::make_message(list_atom_v, account),
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
  if (content.match_elements<batch_atom, link_batch>()) {
    auto &batch = content.get_as<link_batch>(1);
    if (!host().take_batch(batch))
      host().sever(batch.from, batch.link_epoch, "a batch that makes no sense");
    return true;
  }
  if (content.match_elements<link_atom, link_news>()) {
    on_link_news(content.get_as<link_news>(1));
    return true;
  }
  if (content.match_elements<restore_atom>()) {
    host().restores().start();
    return true;
  }
  if (content.match_elements<notice_atom, std::vector<storage::notice>>()) {
    host().takeovers().on_notices(content.get_as<std::vector<storage::notice>>(1));
    return true;
  }
  if (content.match_elements<dead_atom, uint64_t>()) {
    host().takeovers().on_dead(content.get_as<uint64_t>(1));
    return true;
  }
  if (content.match_elements<resync_atom, session_ref>()) {
    if (auto *who = host().sessions().find(content.get_as<session_ref>(1)))
      who->on_resync();
    return true;
  }
  if (content.match_elements<join_atom>()) {
    host().join();
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
  if (content.match_elements<ask_atom, admin_question>()) {
    // From another node's operator; the answer goes there without us.
    auto inspector = strong(host().context().inspector);
    if (inspector)
      inspector->enqueue(what.sender, what.mid, what.move_content_to_message(), &host());
    return static_cast<bool>(inspector);
  }
  if (auto answer = answer_of(host(), content)) {
    reply(what, std::move(*answer));
    return true;
  }
  return false;
}

void loop_inbox::on_link_news(const link_news &news) {
  host().links().on_news(news);
  if (news.up) {
    for (auto &batch : host().links().take_early(news.inc, news.link_epoch))
      if (!host().take_batch(batch))
        host().sever(batch.from, batch.link_epoch, "a batch that makes no sense");
    return;
  }
  host().messages().on_link_lost(news.inc);
  end_requests_to(news.inc);
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
