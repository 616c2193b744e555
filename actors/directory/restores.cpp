// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/restores.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/core/requests.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/directory_client.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr size_t batch_size = 128;
constexpr std::chrono::milliseconds answer_timeout{4000};
// The others renew each second and hold as many devices as we do.
constexpr std::chrono::milliseconds between_rounds{2000};
// A round that failed repeats soon: until it is through, the devices are in no record.
constexpr std::chrono::milliseconds after_failure{500};

} // namespace

void restores::start() {
  rounds_ = 2;
  timer_.cancel();
  if (!running_)
    begin_round();
}

void restores::on_timer() {
  if (!running_) // its end sets the timer again
    begin_round();
}

void restores::begin_round() {
  rounds_ = std::max(rounds_ - 1, 0);
  std::erase_if(left_, [](auto &x) { return !x.fresh; });
  sessions_.for_each([&](session_port &who) {
    if (auto held = who.held(); held.is_bound())
      left_.push_back({held.ref, false});
  });
  running_ = true;
  next();
}

void restores::end_round(duration until_next) {
  running_ = false;
  if (rounds_ > 0)
    host_.io().timers().schedule(timer_, host_.now() + until_next);
}

void restores::put_back(const std::vector<session_ref> &who) {
  for (auto &ref : who)
    left_.push_back({ref, true});
  if (!std::exchange(running_, true))
    next();
}

void restores::next() {
  auto &ctx = host_.context();
  // As a bind: nothing lands that nobody waits for any more.
  auto settled_at = host_.now() + answer_timeout;
  auto until = ctx.view->write_until(ctx.boot_now(), answer_timeout);
  std::vector<storage::restore_request> batch;
  while (!left_.empty() && batch.size() < batch_size) {
    auto what = std::move(left_.back());
    left_.pop_back();
    auto ref = what.who;
    auto *one = sessions_.find(ref);
    if (!one || !one->held().is_bound()) {
      if (what.tried)
        unsettled_.add(*what.tried);
      continue;
    }
    auto held = one->held();
    batch.push_back({held.device, held.account, {ctx.id, ctx.inc, ref, held.ep}, until, what.fresh});
    auto ep = what.fresh ? 0 : held.ep;
    asked_.push_back({std::move(what), {held.device, ref, ep, settled_at}});
  }
  if (batch.empty()) {
    end_round(between_rounds);
    return;
  }
  requests_.ask(caf::actor_cast<caf::strong_actor_ptr>(ctx.directory), answer_timeout,
                caf::make_message(restore_atom_v, std::move(batch)),
                [this](caf::expected<caf::message> answer) {
                  on_answers(content_of<std::vector<restore_answer>>(answer));
                });
}

void restores::unbind(const session_ref &who, storage::unbind_request what) {
  auto found = std::ranges::find_if(asked_, [&](auto &x) { return x.what.who == who; });
  if (found == asked_.end() || found->what.fresh) // a fresh one makes another epoch
    send(std::move(what));
  else
    found->unbind = std::move(what);
}

void restores::send(storage::unbind_request what) {
  what.lease_until = host_.context().lease_until();
  client_.unbind(std::move(what));
}

void restores::stop() {
  timer_.cancel();
  rounds_ = 0;
  left_.clear();
  for (auto &x : std::exchange(asked_, {})) // their answers come too late
    if (x.unbind)
      send(std::move(*x.unbind));
}

epoch restores::ours(const restore_answer &answer, const session_ref &who) const {
  if (answer.restored)
    return answer.ep;
  auto &at = answer.holder; // where an answer to an earlier try was lost
  return at && at->inc == host_.context().inc && at->session == who ? at->ep : 0;
}

void restores::take(session_port &who, const restore_answer &answer) {
  auto held = who.held();
  if (auto ep = ours(answer, held.ref))
    who.adopt(ep);
  else if (answer.holder)
    who.on_superseded(held.device, answer.holder->ep);
}

void restores::fail(const asked &x, bool is_unknown) {
  auto again = x.what;
  if (is_unknown && again.fresh)
    again.tried = x.record;
  else if (is_unknown) // also for one that lives: it may end before this lands
    unsettled_.add(x.record);
  else if (x.unbind)
    send(*x.unbind);
  if (again.fresh)
    left_.push_back(std::move(again));
}

void restores::settle(const asked &x, const restore_answer &answer) {
  host_.counters().restored(answer.restored);
  auto *one = sessions_.find(x.what.who);
  if (one && one->held().is_bound())
    take(*one, answer);
  else if (auto ep = ours(answer, x.what.who)) // it ended meanwhile
    send({x.record.device, ep, 0});
}

void restores::on_answers(const std::vector<restore_answer> *answers) {
  bool failed = false;
  auto who = std::exchange(asked_, {});
  for (size_t i = 0; i < who.size(); ++i) {
    auto *answer = answers && i < answers->size() ? &(*answers)[i] : nullptr;
    if (answer && answer->error == errc::none) {
      settle(who[i], *answer);
      continue;
    }
    failed = true;
    fail(who[i], !answer || answer->error == errc::timed_out);
  }
  if (failed) {
    // Away again: from the beginning, what stands already stands.
    ++rounds_;
    end_round(after_failure);
    return;
  }
  next();
}

} // namespace stentor::actors
