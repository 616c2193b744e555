// SPDX-License-Identifier: Apache-2.0
#include "actors/session/binding.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr uint8_t max_looks = 10; // a record that still stands then, the auditor finds

route own_route(const session_turn &t, epoch ep) {
  return {t.services.node, t.services.inc, t.ref, ep};
}

} // namespace

binding::binding(const std::optional<resume_token> &resume)
    : resume_{resume ? std::make_unique<resume_token>(*resume) : nullptr} {}

bool binding::takes_messages(epoch by) const noexcept {
  // While the directory is asked, others may know its answer before this session does.
  return !is_given_up() && (phase_ == phase::asking || (by == ep_ && is_held()));
}

hold_word binding::word() const noexcept {
  switch (phase_) {
  case phase::live:
  case phase::resuming:
    return is_superseded() ? hold_word::gone : hold_word::held;
  case phase::asking:  // the directory may know its epoch before it does
  case phase::leaving: // its unbind is under way
    return hold_word::in_transit;
  case phase::detached:
  case phase::ended:
    break;
  }
  return hold_word::gone;
}

const char *binding::name() const noexcept {
  switch (phase_) {
  case phase::asking:
    return "binding";
  case phase::resuming:
    return "resuming";
  case phase::live:
    return "live";
  case phase::leaving:
    return "leaving";
  case phase::detached:
    return "detached";
  case phase::ended:
    break;
  }
  return "ended";
}

// -- the question ----

bool binding::ask(const session_turn &t, storage::directory_time lease_until) const {
  return t.services.directory.bind(
      {t.me->device, t.me->account, own_route(t, 0), superseded_by_, lease_until});
}

binding::answer binding::on_bound(const bind_answer &what, const session_turn &t,
                                  storage::directory_time lease_until) {
  if (phase_ != phase::asking) {
    if (what.error == errc::none)
      give_back(what, t, lease_until);
    else if (what.error == errc::timed_out)
      t.services.directory.watch_for_record(t.me->device, t.ref);
    return answer::late;
  }
  if (what.error != errc::none)
    return what.error == errc::timed_out ? answer::unknown : answer::refused;
  ep_ = what.ep;
  if (!t.device || !t.device->is_usable() || is_superseded()) {
    give_back(what, t, lease_until);
    return answer::given_up;
  }
  auto resumes = resume_ && is_reachable(*resume_, t);
  // The question first: it is the notice, too, and whoever was told before it has given its messages back.
  if (resumes) {
    phase_ = phase::resuming;
    ask_for_state(t);
  }
  auto is_other = [&](const route &x) { return x.inc != t.services.inc || x.session != t.ref; };
  if (what.previous && is_other(*what.previous))
    t.services.directory.supersede(*what.previous, t.me->device, ep_);
  return resumes ? answer::resuming : answer::live;
}

bool binding::is_reachable(const resume_token &token, const session_turn &t) const {
  if (token.inc != t.services.inc)
    return t.services.messages.has_link(token.inc);
  return token.session.loop < t.services.loops && token.session != t.ref;
}

void binding::ask_for_state(const session_turn &t) const {
  auto question = std::make_unique<items::hand_over>();
  question->to = resume_->session;
  question->device = t.me->device;
  question->newer = ep_;
  question->proof = proof_of(resume_->secret, t.me->account);
  question->requester = t.ref;
  question->from.loop = t.ref.loop;
  t.services.messages.ask_for_state(place{resume_->inc, 0, resume_->session.loop}, std::move(question));
}

/// The session left before it was bound: nothing may stand for it, and whoever had the device before may have
/// it still.
void binding::give_back(const bind_answer &what, const session_turn &t,
                        storage::directory_time lease_until) const {
  t.services.directory.give_back({t.me->device, what.ep, lease_until}, t.me->account,
                                 superseded_by_ > what.ep ? caf::none : what.previous);
}

bool binding::on_record_found(const lookup_answer &what, const session_turn &t,
                              storage::directory_time lease_until) {
  if (what.error != errc::none && ++looks_ < max_looks)
    return true;
  if (what.found && what.found->at.inc == t.services.inc && what.found->at.session == t.ref)
    t.services.directory.give_back_unknown({t.me->device, what.found->at.ep, lease_until});
  return false;
}

// -- the end ----

binding::effect binding::on_superseded(epoch newer) noexcept {
  if (newer <= superseded_by_)
    return effect::none;
  superseded_by_ = newer;
  if (phase_ == phase::asking || (ep_ != 0 && newer <= ep_))
    return effect::none; // our own bind is under way and may be the newer one: `on_bound` compares
  if (phase_ == phase::detached)
    return effect::end;
  return is_held() ? effect::leave : effect::none;
}

void binding::adopt(epoch newer) noexcept {
  if (word() == hold_word::held)
    ep_ = std::max(ep_, newer);
}

void binding::unbind(const session_turn &t, storage::directory_time lease_until) const {
  t.services.directory.unbind(t.ref, {t.me->device, ep_, lease_until});
}

void binding::become(phase next) noexcept {
  phase_ = next;
  if (next != phase::resuming)
    resume_ = nullptr;
}

} // namespace stentor::actors
