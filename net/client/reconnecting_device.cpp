// SPDX-License-Identifier: Apache-2.0
#include "net/client/reconnecting_device.hpp"

#include "cluster/errc.hpp"

namespace stentor::net::client {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds silence_allowed{10000}; // beyond a heartbeat, docs/protocol.md#heartbeats

} // namespace

reconnecting_device::reconnecting_device(event_loop &loop, options opts, reconnecting_events &events)
    : loop_{loop}, options_{std::move(opts)}, events_{events},
      policy_{options_.backoff, options_.addresses.size(), options_.seed}, address_{policy_.first_address()} {
}

reconnecting_device::~reconnecting_device() = default;

void reconnecting_device::start() {
  loop_.timers().schedule(timer_, loop_.now());
}

void reconnecting_device::stop() {
  stopping_ = true;
  if (device_)
    device_->close();
  else
    loop_.timers().schedule(timer_, loop_.now());
}

bool reconnecting_device::send(const client_frame &frame) {
  return welcomed_ && device_ && device_->send(frame);
}

/// Time to connect, to leave as the server asked, or to say that it is over.
void reconnecting_device::on_timer() {
  if (device_)
    device_->close(close_code::normal); // the client closes first, so that TIME_WAIT stays here
  else if (stopping_)
    events_.on_stopped(*this, stopped_end_);
  else
    try_address(address_);
}

void reconnecting_device::try_address(size_t index) {
  auto x = options_.device;
  x.at = options_.addresses[index].at;
  x.host = options_.addresses[index].host;
  x.resume = resume_;
  if (options_.token)
    x.token = options_.token();
  auto made = client_device::connect(loop_, x, *this);
  if (made) {
    device_ = std::move(*made);
    return;
  }
  client_end failure;
  failure.reason = render(made.error());
  ended(failure);
}

void reconnecting_device::on_server_frame(client_device &, server_frame &&frame) {
  if (frame.type == server_frame::kind::welcome) {
    resume_ = frame.session;
    welcomed_ = true;
    policy_.on_welcome(loop_.now());
    heartbeat_ = milliseconds{frame.heartbeat_ms};
    heard_ = {};
    watch();
  } else if (frame.type == server_frame::kind::goaway) {
    on_goaway(frame);
  }
  events_.on_server_frame(*this, std::move(frame));
}

/// The server pings an idle device each heartbeat: silence for two of them is a dead connection, which TCP
/// may need a quarter of an hour to notice.
void reconnecting_device::watch() {
  if (!device_ || !welcomed_ || heartbeat_.count() == 0)
    return;
  if (std::exchange(heard_, device_->last_heard()) == device_->last_heard())
    device_->drop();
  else
    loop_.timers().schedule(watch_, heard_ + heartbeat_ + silence_allowed);
}

void reconnecting_device::on_goaway(const server_frame &frame) {
  if (frame.reason == "token") {
    if (!options_.token)
      return; // a new connection would need a new token too: better to use this one until it is closed
    auto token = options_.token();
    client_frame fresh;
    fresh.type = client_frame::kind::auth;
    fresh.token = token;
    device_->send(fresh);
    return;
  }
  loop_.timers().schedule(timer_, policy_.on_goaway(milliseconds{frame.reconnect_in_ms}, loop_.now()));
}

void reconnecting_device::on_end(client_device &, const client_end &end) {
  welcomed_ = false;
  timer_.cancel();
  watch_.cancel();
  device_.reset();
  ended(end);
}

void reconnecting_device::ended(const client_end &end) {
  if (stopping_) {
    events_.on_stopped(*this, end);
    return;
  }
  auto next = policy_.on_end(end, loop_.now());
  if (!next) {
    stopping_ = true;
    events_.on_stopped(*this, end);
    return;
  }
  address_ = next->address;
  stopped_end_ = end;
  loop_.timers().schedule(timer_, loop_.now() + next->after);
  events_.on_away(*this, end, next->after);
}

} // namespace stentor::net::client
