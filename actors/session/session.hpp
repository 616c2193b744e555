// SPDX-License-Identifier: Apache-2.0
// A device: bound in the directory while its connection lives; outlives a lost connection by the resume
// window, then hands its state to the device's next session if that one asks. Hosted on its loop, in the
// loop's session table. It composes what it holds and decides nothing that its parts can: `binding` (the
// claim in the directory), `inbound` and `outbound` (messages from and to the device), `ledger` (verdicts),
// `account_watch` (presence), `timetable` (when to act).
#pragma once

#include "actors/core/types.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/session/account_watch.hpp"
#include "actors/session/binding.hpp"
#include "actors/session/connection.hpp"
#include "actors/session/inbound.hpp"
#include "actors/session/ledger.hpp"
#include "actors/session/outbound.hpp"
#include "actors/session/session_turn.hpp"
#include "actors/session/timetable.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace stentor::actors {

class session final : public hosted_actor, public session_port {
public:
  session(caf::actor_config &cfg, loop_env &host, session_services &services, session_ref ref,
          hosted_ptr<connection> device, identity who, const std::optional<resume_token> &resume);

  const char *name() const override { return "session"; }
  size_t queue_length() const noexcept override { return outbound_.unwritten().size(); }
  std::string subject() const override { return me_->device.str(); }

  /// Asks the directory for the device.
  void start();

  // -- from the connection ----
  void on_frame(std::span<char> body);
  void on_frames_written(size_t count);
  void on_connection_end();
  /// Gives the device up at once; the close handshake follows.
  void leave(net::close_code code, const char *reason, std::string_view text);

  // -- session_port ----
  held_device held() const noexcept override {
    return {me_->device, me_->account, ref_, binding_.ep(), binding_.word()};
  }
  bool takes_messages(epoch by) const noexcept override { return binding_.takes_messages(by); }
  void deliver(envelope_ptr e, epoch by) override;
  void on_verdict(const message_id &message, owed_verdict &&what) override;
  void on_key_settled(const items::settle_key &x) override { ledger_.settle_key(x); }
  void on_link_lost(std::optional<incarnation> inc) override;
  std::unique_ptr<session_state> hand_over(const items::hand_over &question) override;
  void on_handed_over(std::unique_ptr<session_state> state) override;
  void on_bound(const bind_answer &answer) override;
  void on_superseded(const device_id &device, epoch newer) override;
  void adopt(epoch newer) noexcept override { binding_.adopt(newer); }
  void on_record_found(const lookup_answer &answer) override;
  void on_listed(listing why, const caf::expected<std::vector<storage::record>> &found) override;
  void on_watch_refused(errc why) override;
  void on_resync() override;
  void on_event(const storage::event &event) override;
  void go_away(goaway why, std::chrono::milliseconds reconnect_in) override;
  void give_up() override;
  void abandon() override;
  session_info info() override;

protected:
  void on_stop() override;

private:
  using phase = binding::phase;

  /// What a part is given for a call.
  session_turn turn() noexcept;
  /// After each call that may have sent a promised frame.
  void end_turn(const session_turn &t);
  void become_live(bool resumed);
  /// The device will not be bound by this session.
  void give_up_binding();
  void on_auth(std::string_view token, session_turn &t);
  void detach();
  void end();
  void on_timer();
  void arm_timer();

  session_services &services_;
  session_ref ref_;
  std::shared_ptr<const sender> me_; ///< never null
  hosted_ptr<connection> device_;    ///< null once it has ended
  resume_secret secret_;
  binding binding_;
  inbound inbound_;
  // A byte, in what the one before leaves of its last word.
  [[no_unique_address]] outbound outbound_;
  [[no_unique_address]] account_watch watch_;
  ledger ledger_;
  timetable timetable_;
  net::timer_for<session, &session::on_timer> timer_{this};
};

} // namespace stentor::actors
