// SPDX-License-Identifier: Apache-2.0
// A device: its identity, rights, rate, idempotency keys, unconfirmed messages and the verdicts it is owed.
// Bound in the directory while its connection lives; outlives a lost connection by the resume window, then
// hands its state to the device's next session if that one asks. Hosted on its loop, in the loop's session
// table.
#pragma once

#include "actors/core/types.hpp"
#include "actors/delivery/lane.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/session/connection.hpp"
#include "cluster/token_bucket.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace stentor::net {
struct client_frame;
}

namespace stentor::actors {

struct session_services;

class session final : public hosted_actor, public session_port {
public:
  session(caf::actor_config &cfg, loop_env &host, session_services &services, session_ref ref,
          hosted_ptr<connection> link, identity who, const std::optional<resume_token> &resume);
  ~session() override;

  const char *name() const override { return "session"; }
  size_t queue_length() const noexcept override { return in_flight_.size() - written_; }
  std::string subject() const override { return me_->device.str(); }

  /// Asks the directory for the device.
  void start();

  // -- from the connection ----
  void on_frame(std::span<char> body);
  void on_frames_written(size_t count);
  void on_connection_end(const net::device_end &end);
  /// The connection found a reason to end: the device is given up at once, the close handshake follows.
  void close(net::close_code code, const char *reason, std::string_view text) { leave(code, reason, text); }
  /// A fresh token on the live connection; false where it names another device.
  bool refresh(identity who);

  // -- session_port ----
  held_device held() const noexcept override { return {me_->device, me_->account, ref_, epoch_, is_bound()}; }
  bool takes_messages(epoch ep) const noexcept override {
    return !is_given_up() &&
           (mode_ == mode::binding || (ep == epoch_ && (mode_ == mode::live || mode_ == mode::resuming)));
  }
  void deliver(envelope_ptr e, epoch ep) override;
  void on_verdict(const message_id &message, owed_verdict what) override;
  void on_key_settled(const items::settle_key &x) override {
    state_.keys.settle(x.from, x.key, x.what, x.by);
  }
  void on_link_lost(std::optional<incarnation> inc) override;
  std::unique_ptr<session_state> hand_over(const items::hand_over &question) override;
  void on_handed_over(std::unique_ptr<session_state> state) override;
  void on_bound(const bind_answer &answer) override;
  void on_superseded(const device_id &device, epoch newer) override;
  void adopt(epoch ep) noexcept override {
    if (is_bound())
      epoch_ = std::max(epoch_, ep);
  }
  void on_resync() override;
  void on_event(const storage::event &event) override;
  void go_away(const char *reason, std::chrono::milliseconds reconnect_in) override;
  void give_up() override;
  void abandon() override;
  session_info info() override;
  hold_word holds(epoch ep) const noexcept override;

protected:
  bool on_message(caf::mailbox_element &what) override;
  void on_stop() override;

private:
  bool is_bound() const noexcept {
    return (mode_ == mode::live || mode_ == mode::resuming) && superseded_by_ <= epoch_;
  }
  enum class mode : uint8_t {
    binding,  ///< waiting for the directory
    resuming, ///< bound; waiting for the state of the session before
    live,
    leaving,  ///< superseded or closing: takes no message, its connection has not ended yet
    detached, ///< its connection is lost; waits to be resumed
    ended,
  };

  // -- session.cpp: life ----
  void bind();
  void give_up_binding();
  void undo_bind(const bind_answer &answer);
  void look_for_own_record();
  void ask_for_state(const resume_token &resume);
  void become_live(bool resumed);
  void leave(net::close_code code, const char *reason, std::string_view text);
  void detach();
  void end();
  void on_timer();
  void arm_timer();
  void plan_token_end();

  // -- session_in.cpp: what the device sends ----
  void on_send(const net::client_frame &frame);
  void send_to_account(const net::client_frame &frame, envelope pattern);
  void on_ack(std::string_view id);
  void on_devices();
  void on_watch(bool on);
  void on_auth(std::string_view token);
  void refuse_send(const net::client_frame &frame, verdict v, const char *detail);
  void tell_devices(const caf::expected<std::vector<storage::record>> &found);
  void on_watch_refused(errc why);
  void tell_error(errc code, std::string_view message, std::string_view id);

  // -- session_out.cpp: what the device gets ----
  void hold(envelope_ptr e, epoch ep);
  void send_back_held();
  void send_or_close(std::string_view frame);
  void tell_resync(std::span<const std::string_view> devices);
  void redeliver();
  /// A verdict for the device; kept for its return while it is away.
  void say(owed_verdict what);
  /// What became of a message cannot be known here any more.
  void say_unknown(std::vector<open_message> which);
  /// Where the link ended while the state was on its way within this node.
  void give_up_unlinked();
  /// Sends back the last `count` messages in flight, oldest first: the kernel has none of them whole.
  void send_back_last(size_t count);
  /// Ends the last `count` messages in flight with `v`.
  void settle_last(size_t count, verdict v);
  /// Ends everything this session still holds, as unknown.
  void settle_all();
  /// Ends what was written and not confirmed, as unknown.
  void settle_unconfirmed(session_state &state);
  /// The key's, here or where the state was handed to while the message was under way.
  void settle_key(const envelope &e, verdict v);
  void give_up(const envelope &e, verdict v);
  void reject(envelope_ptr e, verdict v, const char *detail);

  session_services &services_;
  session_ref ref_;
  mode mode_ = mode::binding;
  bool watching_ = false;
  bool warned_ = false;       ///< a `goaway` went out that ends the connection
  bool token_warned_ = false; ///< a `goaway {reason:"token"}` went out
  uint8_t bad_frames_ = 0;
  uint8_t bind_tries_ = 0; ///< looks for what a bind of unknown outcome left
  uint32_t written_ = 0;   ///< how many of `in_flight_` are settled, at its front
  epoch epoch_ = 0;
  bool is_given_up() const noexcept { return superseded_by_ == std::numeric_limits<epoch>::max(); }
  epoch superseded_by_ = 0;
  std::shared_ptr<const sender> me_; ///< never null
  int64_t token_expires_s_ = 0;      ///< seconds since 1970; 0 for never
  hosted_ptr<connection> link_;
  resume_secret secret_;
  token_bucket rate_;
  session_state state_;
  std::vector<envelope_ptr> in_flight_; ///< corked, in order; one a mark of the connection
  struct early {
    std::optional<resume_token> resume;
    std::vector<std::string> frames; ///< what the device sent before its `welcome`
    size_t frame_bytes = 0;
    std::vector<std::pair<epoch, envelope_ptr>>
        held; ///< what arrived for it before it was live, by which epoch
    size_t held_bytes = 0;
  };
  std::unique_ptr<early> early_; ///< until live
  time_point started_at_;
  time_point recycle_at_;
  time_point token_end_ = time_point::max();
  time_point close_at_ = time_point::max(); ///< after a `goaway`, at the token's end, or the end of a wait
  net::close_code close_with_ = net::close_code::recycled;
  const char *close_reason_ = "recycle";
  net::timer_for<session, &session::on_timer> timer_{this};
};

} // namespace stentor::actors
