// SPDX-License-Identifier: Apache-2.0
#include "actors/membership/membership_actor.hpp"

#include "actors/membership/renewer.hpp"
#include "actors/telemetry/log.hpp"

#include <algorithm>
#include <iterator>

namespace stentor::actors {

namespace {

// `cluster/membership` wants a tick at least this often.
constexpr std::chrono::milliseconds tick_length{100};
// A fenced node's devices hear nothing: after this they are better off elsewhere.
constexpr std::chrono::seconds fence_patience{2};
// The others hear of a new node with their next renewal, at most a second later.
constexpr std::chrono::seconds link_patience{2};
// By then every session has been put back: sessions try again each second, 128 in a batch.
constexpr std::chrono::seconds restore_time{20};
// By then every node has renewed its lease with a directory that answers again.
constexpr std::chrono::seconds renew_time{4};
// After a restore began: most sessions are back by then, and what is not should be found soon.
constexpr std::chrono::seconds audit_after{10};

renewal_failure failure_of(const caf::error &err) {
  if (err == errc::superseded)
    return renewal_failure::dead;
  if (err == errc::lease_held)
    return renewal_failure::held;
  return err == errc::timed_out ? renewal_failure::timed_out : renewal_failure::unavailable;
}

slot_node node_of(const storage::lease &x) {
  return {x.node, x.inc};
}

member member_of(const storage::lease &x) {
  return {node_of(x), x.address, x.draining};
}

std::string text_of(const std::vector<slot_node> &nodes) {
  std::string text;
  for (auto &x : nodes)
    text += (text.empty() ? "" : " ") + x.node.str();
  return text;
}

} // namespace

template <class... Ts>
void membership_state::tell_loops(const Ts &...xs) {
  for (auto &inbox : deps.inboxes)
    caf::anon_send(caf::actor_cast<loop_inbox_actor>(inbox), xs...);
}

// -- events ----

void membership_state::tick() {
  auto at = now();
  if (asked_at != boot_time::max() && at - asked_at >= deps.lim.renewal_late &&
      !std::exchange(late_told, true)) {
    log::warn("membership", "renewal.late", {{"after_ms", deps.lim.renewal_late.count()}});
    perform(logic->on_renewal_failed(renewal_failure::late, at));
  }
  perform(logic->tick(at));
  auto can = logic->can_renew(at);
  deps.view->can_renew = can ? (*can ? renew_word::yes : renew_word::no) : renew_word::unknown;
  if (fenced_since != boot_time::max() && at - fenced_since > fence_patience)
    act(do_rejoin{});
  if (!joined && ready_since != boot_time::max() && !deps.view->lost)
    join_when_linked();
  if (at >= doubtful_until)
    deps.view->doubtful = false;
  if (joined && at >= young_until)
    deps.view->joining = false;
  if (at >= settled_at) {
    settled_at = boot_time::max();
    for (auto &router : deps.routers)
      self->send(router, settled_atom_v);
    if (deps.auditor)
      self->send(deps.auditor, settled_atom_v);
  }
}

void membership_state::on_link(const link_news &news) {
  if (news.up)
    linked.insert(news.inc);
  else
    linked.erase(news.inc);
  // Who was there when the directory went away says so to who was not.
  if (news.up && news.doubtful && now() < heeds_until)
    doubt_for(restore_time);
  perform(logic->on_link({news.node, news.inc}, news.up ? link_health::up : link_health::down, now()));
}

void membership_state::on_answers(uint64_t round, const std::vector<peer_answer> &answers) {
  for (auto &x : answers)
    if (x.can_renew != renew_word::unknown)
      perform(logic->on_peer_answer(round, {x.node, x.inc}, x.can_renew == renew_word::yes, now()));
}

bool membership_state::drain() {
  perform(logic->drain(now()));
  return true;
}

std::vector<member_info> membership_state::infos() const {
  using namespace std::chrono;
  // The directory's clock, as far as ours can tell.
  auto directory_now = known_now + duration_cast<microseconds>(now() - known_at).count();
  std::vector<member_info> result;
  for (auto &[lease, state] : known) {
    auto left = lease.until - directory_now;
    auto word = left <= 0 && (state[0] == 'u' || state[1] == 'r') ? "late" : state;
    result.push_back({lease.node, lease.inc, lease.address, word, left / 1000});
  }
  return result;
}

// -- actions ----

void membership_state::perform(stentor::membership::actions todo) {
  std::move(todo.begin(), todo.end(), std::back_inserter(todo_));
  if (std::exchange(performing_, true))
    return; // an action brought news: what that asks for comes behind what is under way
  while (!todo_.empty()) {
    auto one = std::move(todo_.front());
    todo_.pop_front();
    std::visit([this](auto &x) { act(x); }, one);
  }
  performing_ = false;
}

void membership_state::act(const do_renew &x) {
  asked_at = now();
  late_told = false;
  deps.metrics->node().lease_renewals.fetch_add(1, std::memory_order_relaxed);
  storage::lease mine{deps.node, deps.inc, 0, deps.address, x.draining};
  self->request(at_directory, renewal_limit(), renew_atom_v, std::move(mine))
      .then([this, sent_at = asked_at](storage::renew_result &answer) { on_renewed(sent_at, answer); },
            [this, sent_at = asked_at](const caf::error &why) { on_renewal_failed(sent_at, why); });
}

/// The renewer connects and asks, each within the timeout: an answer that takes longer than both never comes.
std::chrono::milliseconds membership_state::renewal_limit() const {
  return 3 * deps.lim.renewal_timeout;
}

void membership_state::on_renewal_failed(boot_time sent_at, const caf::error &why) {
  if (sent_at != std::exchange(asked_at, boot_time::max()))
    return;
  deps.metrics->node().lease_failures.fetch_add(1, std::memory_order_relaxed);
  log::warn("membership", "renewal.failed", {{"error", render(why)}});
  perform(logic->on_renewal_failed(failure_of(why), now()));
}

void membership_state::on_renewed(boot_time sent_at, storage::renew_result &answer) {
  asked_at = boot_time::max();
  renewal r;
  r.sent_at = sent_at;
  r.answered_at = now();
  r.now = answer.now;
  r.until = answer.until;
  r.run_id = answer.run_id;
  on_run(answer.run_id, answer.uptime);
  r.uptime = answer.uptime;
  known.clear();
  known_now = answer.now;
  known_at = r.answered_at;
  deps.view->clock_ahead_us =
      answer.now - std::chrono::duration_cast<std::chrono::microseconds>(known_at.time_since_epoch()).count();
  for (auto &lease : answer.view)
    known.emplace_back(lease, lease.draining ? "draining" : "up");
  for (auto &lease : answer.expired)
    known.emplace_back(lease, "late");
  for (auto &lease : answer.unswept)
    known.emplace_back(lease, "dead");
  members.clear();
  for (auto &lease : answer.view)
    members.push_back(member_of(lease));
  r.view = members;
  for (auto &lease : answer.expired)
    r.expired.push_back({node_of(lease), lease.until});
  for (auto &lease : answer.unswept)
    r.unswept.push_back({node_of(lease), lease.until});
  if (!answer.notices.empty())
    tell_loops(notice_atom_v, answer.notices);
  perform(logic->on_renewed(r));
}

void membership_state::act(const do_publish &x) {
  deps.view->lease_end = x.directory_until;
  deps.view->lease.publish(x.until, x.asked_at);
}

void membership_state::act(const do_revoke &) {
  deps.view->lease.revoke();
}

void membership_state::act(const on_fenced &x) {
  fenced_since = x.fenced ? now() : boot_time::max();
  if (x.fenced) {
    deps.metrics->node().fenced.fetch_add(1, std::memory_order_relaxed);
    log::error(
        "membership", "fenced",
        {{"reason", "the lease has ended, and no peer reports that the directory is unreachable for all"},
         {"hint", "check the network between this node, Redis and its peers"}});
  } else {
    log::info("membership", "unfenced", {});
  }
}

void membership_state::act(const on_view &x) {
  log::info("membership", "view",
            {{"slot_owners", text_of(x.slots)}, {"peers", static_cast<uint64_t>(x.peers.size())}});
  deps.metrics->node().members.store(static_cast<int64_t>(x.peers.size()) + 1, std::memory_order_relaxed);
  deps.view->set_slots(std::make_shared<const slot_map>(x.slots));
  std::vector<storage::lease> peers;
  for (auto &peer : x.peers)
    peers.push_back({peer.who.node, peer.who.inc, 0, peer.address, peer.draining});
  if (deps.mesh)
    self->send(deps.mesh, view_atom_v, std::move(peers));
}

void membership_state::act(const on_dead &x) {
  log::info("membership", "node.dead", {{"node", x.who.node}, {"incarnation", x.who.inc}});
  tell_loops(dead_atom_v, x.who.inc);
  for (auto &router : deps.routers)
    self->send(router, dead_atom_v, x.who.inc);
}

void membership_state::act(const do_declare_dead &x) {
  auto tell = [who = x.who](std::string_view result) {
    log::info("membership", "declared.dead",
              {{"node", who.node}, {"incarnation", who.inc}, {"result", result}});
  };
  self->request(at_directory, renewal_limit(), declare_dead_atom_v, x.who.node, x.who.inc)
      .then(
          [tell](bool done) { tell(done ? "done" : "was already declared dead, or its lease has returned"); },
          [tell](const caf::error &why) { tell(render(why)); });
}

void membership_state::act(const do_sweep &x) {
  self->send(deps.directory, sweep_atom_v, x.who.node, x.who.inc);
}

void membership_state::act(const do_ask &x) {
  if (!deps.mesh)
    return;
  self->send(deps.mesh, poll_atom_v, x.round);
}

void membership_state::act(const on_outage &x) {
  // First: routers run beside us, and between the two nobody may be told `offline`.
  if (!x.began)
    doubt_for(same_run ? renew_time : restore_time);
  deps.view->outage = x.began;
  deps.metrics->node().outage.store(x.began ? 1 : 0, std::memory_order_relaxed);
  if (x.began) {
    settled_at = boot_time::max();
    log::error("membership", "directory.unreachable",
               {{"effect", "known routes continue to work; new devices are bound within the cluster until "
                           "the directory returns"}});
  } else {
    log::info("membership", "directory.reachable", {});
    settled_at = now() + restore_time;
  }
}

void membership_state::doubt_for(boot_time::duration time) {
  doubtful_until = std::max(doubtful_until, now() + time);
  deps.view->doubtful = true;
}

/// Doubt comes before anything that another process of the directory lacks counts.
void membership_state::on_run(const std::string &run, std::chrono::milliseconds uptime) {
  auto before = std::exchange(last_run, run);
  same_run = before == run;
  if (before.empty()) {
    // Who held leases in a process before this one says so with the link, once it has renewed.
    heeds_until = now() + restore_time;
    if (uptime < renew_time)
      young_until = now() + (renew_time - uptime);
  } else if (!same_run) {
    doubt_for(restore_time);
  }
  deps.view->set_run(run);
}

void membership_state::act(const do_restore &) {
  // What is missing there may only not be back yet: until then nobody is told `offline` for it. A directory
  // that kept its records lacks the leases of those who have not renewed yet.
  doubt_for(same_run ? renew_time : restore_time);
  log::info("membership", "restore", {});
  deps.metrics->node().restores.fetch_add(1, std::memory_order_relaxed);
  tell_loops(put_back_atom_v);
  if (deps.auditor)
    self->delayed_send(deps.auditor, audit_after, settled_atom_v);
}

void membership_state::act(const do_rejoin &) {
  if (deps.view->lost)
    return;
  deps.view->not_ready = "rejoining";
  deps.view->lost = true;
  log::error("membership", "lost",
             {{"effect", "the devices of this node are asked to reconnect elsewhere, then it rejoins"}});
  deps.view->lease.revoke();
}

void membership_state::act(const on_ready &x) {
  ready_since = x.ready ? std::min(ready_since, now()) : boot_time::max();
  if (deps.view->lost)
    return;
  if (x.ready && !joined)
    join_when_linked();
  else
    deps.view->not_ready = x.ready ? nullptr : x.word.data();
}

/// A device of a node that the others cannot reach yet would be unreachable for a moment: devices are
/// accepted when there is a link to each of them, or when one has had its time.
void membership_state::join_when_linked() {
  auto is_linked = [this](const member &x) { return x.who.inc == deps.inc || linked.contains(x.who.inc); };
  if (!std::ranges::all_of(members, is_linked) && now() - ready_since < link_patience) {
    deps.view->not_ready = "connecting to the other nodes";
    return;
  }
  joined = true;
  deps.view->not_ready = nullptr;
  tell_loops(join_atom_v);
}

// -- the actor ----

membership_actor::behavior_type membership(membership_actor::stateful_pointer<membership_state> self,
                                           membership_deps deps) {
  auto &state = self->state;
  state.self = self;
  state.logic.emplace(member{{deps.node, deps.inc}, deps.address, false}, deps.lim);
  state.at_directory =
      self->spawn<caf::linked + caf::detached>(renewer, renewer_deps{std::move(deps.store), deps.lim.lease});
  state.deps = std::move(deps);
  self->send(self, tick_atom_v);
  return {
      [self](tick_atom) {
        self->state.tick();
        self->delayed_send(self, tick_length, tick_atom_v);
      },
      [self](link_atom, const link_news &news) { self->state.on_link(news); },
      [self](poll_atom, uint64_t round, const std::vector<peer_answer> &answers) {
        self->state.on_answers(round, answers);
      },
      [self](members_atom) { return self->state.infos(); },
      [self](drain_atom) { return self->state.drain(); },
  };
}

} // namespace stentor::actors
