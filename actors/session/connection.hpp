// SPDX-License-Identifier: Apache-2.0
// The transport of one device: upgrade and authentication, frames in and out, heartbeats, the end. Knows no
// routing: once the device has an identity, a `session` on the same loop gets its frames. The two call each
// other directly (they share a loop and end in a stated order); everybody else reaches them as actors.
#pragma once

#include "actors/core/hosted_actor.hpp"
#include "actors/delivery/session_state.hpp"
#include "actors/session/device_port.hpp"
#include "actors/session/identity.hpp"
#include "net/timer_wheel.hpp"
#include "net/websocket/device_socket.hpp"

#include <memory>
#include <optional>
#include <string>

namespace stentor::actors {

class session;
struct session_services;

class connection final : public hosted_actor, public device_port, private net::device_events {
public:
  /// Takes over `fd`, accepted and tuned.
  connection(caf::actor_config &cfg, loop_env &host, session_services &services, int fd);
  ~connection() override;

  const char *name() const override { return "connection"; }
  size_t queue_length() const noexcept override { return socket_ ? socket_->unsent_marks() : 0; }
  /// The peer's address.
  std::string subject() const override;

  void start();

  // -- device_port, for the session ----
  bool send(std::string_view body, bool waited_for) override;
  void close(net::close_code code, const char *reason, std::string_view text) override;
  void watch_stall() override;
  bool has_room(size_t bytes) const noexcept override;
  size_t drop_unstarted() override { return socket_ ? socket_->drop_unstarted() : 0; }
  bool is_usable() const noexcept override { return socket_ && !socket_->is_closing(); }
  /// Until `go_on` nothing is read, and what is sent waits: the upgrade's answer and the welcome leave
  /// together.
  void wait() noexcept;
  void go_on();
  /// The node drains and this connection has no session yet.
  void drain();

protected:
  void on_stop() override;

private:
  net::upgrade_answer on_upgrade(const net::upgrade_request &request) override;
  void on_open() override;
  void on_message(std::span<char> body) override;
  void on_frames_written(size_t waited_for) override;
  void on_device_end(const net::device_end &end) override;

  void on_auth_frame(std::span<char> body);
  void open_session(identity who, const std::optional<resume_token> &resume);
  void refuse(const char *text);
  void on_timer();
  void arm(time_point when);
  const limits &host_limits() const noexcept;

  /// What is known between the upgrade and the session: freed then.
  struct waiting {
    std::optional<identity> who;
    std::optional<resume_token> resume;
    const char *refused = nullptr; ///< `late_errors`: told once the upgrade is done
  };

  session_services &services_;
  std::unique_ptr<net::device_socket> socket_;
  std::unique_ptr<waiting> waiting_;
  hosted_ptr<session> session_;
  time_point pinged_at_ = time_point::max(); ///< when the ping that has no answer yet went out
  time_point due_ = time_point::max();       ///< when `timer_` fires
  net::timer_for<connection, &connection::on_timer> timer_{this};
};

} // namespace stentor::actors
