// SPDX-License-Identifier: Apache-2.0
#include "actors/restores.hpp"

#include "actors/loop.hpp"
#include "actors/session.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr size_t batch_size = 128;
constexpr std::chrono::milliseconds answer_timeout{4000};
// The others renew each second and hold as many devices as we do.
constexpr std::chrono::milliseconds between_rounds{2000};

} // namespace

void restores::start() {
  rounds_ = 2;
  timer_.cancel();
  if (!running_)
    begin_round();
}

void restores::begin_round() {
  rounds_ = std::max(rounds_ - 1, 0);
  std::erase_if(left_, [](auto &x) { return !x.fresh; });
  host_.sessions().for_each([&](session &who) {
    if (who.is_bound())
      left_.push_back({who.ref(), false});
  });
  running_ = true;
  next();
}

void restores::end_round() {
  running_ = false;
  if (rounds_ > 0)
    host_.io().timers().schedule(timer_, host_.now() + between_rounds);
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
  std::vector<asked> who;
  while (!left_.empty() && batch.size() < batch_size) {
    auto what = std::move(left_.back());
    left_.pop_back();
    auto ref = what.who;
    auto *one = host_.sessions().find(ref);
    if (!one || !one->is_bound()) {
      if (what.tried)
        host_.unsettled().add(*what.tried);
      continue;
    }
    batch.push_back({one->device(), one->account(), {ctx.id, ctx.inc, ref, one->ep()}, until, what.fresh});
    auto ep = what.fresh ? 0 : one->ep();
    who.push_back({std::move(what), {one->device(), ref, ep, settled_at}});
  }
  if (batch.empty()) {
    end_round();
    return;
  }
  host_.asks().ask(caf::actor_cast<caf::strong_actor_ptr>(ctx.directory), answer_timeout,
                   caf::make_message(restore_atom_v, std::move(batch)),
                   [this, who = std::move(who)](caf::expected<caf::message> answer) {
                     auto has = answer && answer->match_elements<std::vector<restore_answer>>();
                     on_answers(who, has ? &answer->get_as<std::vector<restore_answer>>(0) : nullptr);
                   });
}

epoch restores::ours(const restore_answer &answer, const session_ref &who) const {
  if (answer.restored)
    return answer.ep;
  auto &at = answer.holder; // where an answer to an earlier try was lost
  return at && at->inc == host_.context().inc && at->session == who ? at->ep : 0;
}

void restores::take(session &who, const restore_answer &answer) {
  if (auto ep = ours(answer, who.ref()))
    who.adopt(ep);
  else if (answer.holder)
    who.on_superseded(who.device(), answer.holder->ep);
}

void restores::fail(const asked &x, bool is_unknown) {
  auto again = x.what;
  if (is_unknown && again.fresh)
    again.tried = x.record;
  else if (is_unknown) // also for one that lives: it may end before this lands
    host_.unsettled().add(x.record);
  if (again.fresh)
    left_.push_back(std::move(again));
}

void restores::on_answers(const std::vector<asked> &who, const std::vector<restore_answer> *answers) {
  bool failed = false;
  for (size_t i = 0; i < who.size(); ++i) {
    auto *answer = answers && i < answers->size() ? &(*answers)[i] : nullptr;
    if (!answer || answer->error != errc::none) {
      failed = true;
      fail(who[i], !answer || answer->error == errc::timed_out);
      continue;
    }
    host_.counters().restored(answer->restored);
    auto *one = host_.sessions().find(who[i].what.who);
    if (one && one->is_bound())
      take(*one, *answer);
    else if (auto ep = ours(*answer, who[i].what.who)) // it ended meanwhile, and its unbind found nothing yet
      host_.directory().unbind({who[i].record.device, ep, host_.context().lease_until()});
  }
  if (failed) {
    // Away again: from the beginning, what stands already stands.
    ++rounds_;
    end_round();
    return;
  }
  next();
}

} // namespace stentor::actors
