// SPDX-License-Identifier: Apache-2.0
// How a session ends: taken over, handed over, left, detached, gone (docs/decisions/0004).
#include "actors/session/session.hpp"

#include "actors/core/node_context.hpp"
#include "actors/core/ports.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session_services.hpp"

#include <algorithm>
#include <limits>

namespace stentor::actors {

// -- takeover and hand-over ----

void session::on_superseded(const device_id &device, epoch newer) {
  if (device != me_->device || newer <= superseded_by_)
    return;
  superseded_by_ = newer;
  if (mode_ == mode::binding || (epoch_ != 0 && newer <= epoch_))
    return; // our own bind is under way and may be the newer one: `on_bound` compares
  if (mode_ == mode::detached)
    end();
  else if (mode_ == mode::live || mode_ == mode::resuming)
    leave(net::close_code::superseded, "superseded", "a newer connection of this device took over");
}

std::unique_ptr<session_state> session::hand_over(const items::hand_over &question) {
  auto newer = question.newer;
  if (question.device != me_->device)
    return nullptr;
  if (!same_secret(question.proof, proof_of(secret_, me_->account)) || mode_ == mode::binding ||
      mode_ == mode::resuming || mode_ == mode::ended || superseded_by_ > epoch_ || newer <= epoch_) {
    // No right to the state (another account is none either), or it is still under way to here and cannot be
    // given away whole; but the directory has the newer connection now: a bound one leaves all the same. One
    // that waits to be resumed goes on waiting for who knows its secret.
    if (mode_ != mode::detached)
      on_superseded(question.device, newer);
    return nullptr;
  }
  superseded_by_ = std::max(superseded_by_, newer);
  auto was_detached = mode_ == mode::detached;
  if (mode_ == mode::leaving) {
    // Later messages have been sent back already: these cannot follow them in order, and certainly did not
    // arrive.
    if (link_)
      settle_last(link_->drop_unstarted(), verdict::offline);
  } else if (!was_detached) {
    leave(net::close_code::superseded, "superseded", "a newer connection of this device took over");
  }
  // Verdicts still owed to this session follow it, after those it holds already.
  services_.messages.moved(ref_, question.from, question.requester);
  // The room of a frame still under way stays reserved here: its verdict comes here.
  auto reserved = [&](auto visit) {
    for (auto i = size_t{written_}; i < in_flight_.size(); ++i)
      if (in_flight_[i]->wants == want::acked)
        visit(*in_flight_[i]);
  };
  reserved([&](const envelope &e) { state_.unconfirmed.unreserve(e); });
  auto state = std::make_unique<session_state>(std::move(state_));
  state_ = {};
  reserved([&](const envelope &e) { state_.unconfirmed.reserve(e); });
  if (was_detached)
    end();
  return state;
}

// -- the end ----

void session::leave(net::close_code code, const char *reason, std::string_view text) {
  if (mode_ == mode::binding) {
    // What the directory will say must be given back: `on_bound` sees that the connection closes.
    if (link_)
      link_->close(code, reason, text);
    return;
  }
  auto bound = mode_ == mode::live || mode_ == mode::resuming;
  mode_ = mode::leaving;
  close_at_ = time_point::max();
  send_back_held();
  if (!link_)
    return;
  // What has not begun to leave goes back and finds the device's next connection. A frame under way must be
  // finished before the close frame; it keeps its verdict.
  if (bound && code == net::close_code::superseded)
    send_back_last(link_->drop_unstarted());
  if (bound && superseded_by_ <= epoch_)
    services_.directory.unbind(ref_, {me_->device, epoch_, host().context().lease_until()});
  link_->close(code, reason, text);
}

void session::on_connection_end(const net::device_end &end_of_link) {
  auto keep = self();
  link_.reset();
  switch (mode_) {
  case mode::binding:
    return; // `on_bound` will give back what it gets
  case mode::leaving:
    // Messages sent back by this session have gone elsewhere: what is left here cannot follow in order. The
    // kernel never had these frames whole, so they certainly did not arrive.
    settle_last(in_flight_.size() - written_, verdict::offline);
    if (superseded_by_ > epoch_ || epoch_ == 0)
      end();
    else
      detach();
    return;
  case mode::live:
  case mode::resuming:
    mode_ = mode::leaving;
    send_back_held();
    send_back_last(in_flight_.size() - written_);
    services_.directory.unbind(ref_, {me_->device, epoch_, host().context().lease_until()});
    detach();
    return;
  case mode::detached:
  case mode::ended:
    return;
  }
}

void session::detach() {
  if (watching_) {
    watching_ = false;
    services_.directory.unwatch(me_->account, ref_);
  }
  early_.reset();
  mode_ = mode::detached;
  close_at_ = host().now() + host().lim().resume_window;
  arm_timer();
}

void session::end() {
  if (mode_ == mode::ended)
    return;
  auto keep = self();
  mode_ = mode::ended;
  settle_all();
  if (watching_)
    services_.directory.unwatch(me_->account, ref_);
  services_.sessions.erase(ref_);
  host().counters().session_closed();
  stop(caf::exit_reason::normal);
}

void session::go_away(const char *reason, std::chrono::milliseconds reconnect_in) {
  if (mode_ == mode::binding || mode_ == mode::resuming) {
    leave(net::close_code::recycled, reason, "reconnect");
    return;
  }
  if (mode_ != mode::live || warned_)
    return;
  warned_ = true;
  auto &frame = host().scratch();
  net::encode(link_->encoding(), frame,
              net::goaway_frame{static_cast<uint32_t>(reconnect_in.count()), reason});
  link_->send(frame, false);
  close_at_ = std::min(close_at_, host().now() + host().lim().goaway_grace);
  close_with_ = net::close_code::recycled;
  close_reason_ = reason;
  arm_timer();
}

void session::give_up() {
  superseded_by_ = std::numeric_limits<epoch>::max();
  if (link_)
    settle_last(link_->drop_unstarted(), verdict::unreachable);
}

void session::abandon() {
  auto keep = self();
  auto link = link_;
  // No unbind: a lease that has ended writes nothing, and the sweep removes what stands.
  mode_ = mode::leaving;
  close_at_ = time_point::max();
  if (!link)
    return;
  if (epoch_ != 0 && link->is_usable()) {
    auto &frame = host().scratch();
    net::encode(link->encoding(), frame,
                net::goaway_frame{static_cast<uint32_t>(host().random()() % 1000), "fenced"});
    link->send(frame, false);
  }
  link->close(net::close_code::recycled, "fenced", "this node left its cluster, reconnect");
}

} // namespace stentor::actors
