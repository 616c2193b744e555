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
  if (!running_)
    begin_round();
}

void restores::begin_round() {
  --rounds_;
  left_.clear();
  host_.sessions().for_each([&](session &who) {
    if (who.is_bound())
      left_.push_back(who.ref());
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
  left_.insert(left_.end(), who.begin(), who.end());
  if (!std::exchange(running_, true))
    next();
}

void restores::next() {
  auto &ctx = host_.context();
  std::vector<storage::restore_request> batch;
  std::vector<session_ref> who;
  while (!left_.empty() && batch.size() < batch_size) {
    auto ref = left_.back();
    left_.pop_back();
    auto *one = host_.sessions().find(ref);
    if (!one || !one->is_bound())
      continue;
    batch.push_back({one->device(), one->account(), {ctx.id, ctx.inc, ref, one->ep()}, ctx.lease_until()});
    who.push_back(ref);
  }
  if (batch.empty()) {
    end_round();
    return;
  }
  host_.inbox().ask(caf::actor_cast<caf::strong_actor_ptr>(ctx.directory), answer_timeout,
                    caf::make_message(restore_atom_v, std::move(batch)),
                    [this, who = std::move(who)](caf::expected<caf::message> answer) {
                      auto has = answer && answer->match_elements<std::vector<restore_answer>>();
                      on_answers(who, has ? &answer->get_as<std::vector<restore_answer>>(0) : nullptr);
                    });
}

void restores::on_answers(const std::vector<session_ref> &who, const std::vector<restore_answer> *answers) {
  bool failed = false;
  for (size_t i = 0; i < who.size(); ++i) {
    auto *answer = answers && i < answers->size() ? &(*answers)[i] : nullptr;
    if (!answer || answer->error != errc::none) {
      failed = true;
      continue;
    }
    host_.counters().restored(answer->restored);
    auto *one = host_.sessions().find(who[i]);
    if (one && !answer->restored && answer->holder)
      one->on_superseded(one->device(), answer->holder->ep);
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
