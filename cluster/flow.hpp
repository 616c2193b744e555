// SPDX-License-Identifier: Apache-2.0
// The path of all messages from one loop to one device. It keeps their order across route changes: messages
// wait while the route is unknown (unresolved), are sent directly while it is known (direct), and wait again
// after the first one returned as stale (turning), until a marker sent down the old path has returned. Links
// keep order, so every stale message has returned by then. Pure: no clock, no actor, no socket; a `flow_host`
// does what must happen outside. Owned by a loop's `flow_table`, which also bounds the number of flows.
#pragma once

#include "cluster/envelope.hpp"
#include "cluster/limits.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace stentor {

/// What a flow asks of the loop that owns it. Calls come inside the flow's own methods and must not call back
/// into the same flow (or its table) before those return: the host queues.
class flow_host {
public:
  virtual ~flow_host() = default;
  /// Sends `e` to `to`'s loop. Links keep the order of `forward` and `send_marker` calls to one loop. Where
  /// `to`'s node is lost already (a late answer named it), settles `e` and calls `on_route_lost` afterwards.
  virtual void forward(const route &to, envelope_ptr e) = 0;
  /// Sends a marker down the same path; it comes back behind every message that path bounced before it. What
  /// the device's loop owes for that: a session that bounces one message of a route bounces every one it
  /// still holds unwritten in the same turn, in order, and takes no message under that route any more.
  virtual void send_marker(const route &to, const device_id &device, uint64_t marker) = 0;
  /// Asks where the device is; answered once by `flow::on_resolved` with the same `ticket`.
  virtual void resolve(const device_id &device, uint64_t ticket) = 0;
  /// The final verdict of a message that goes no further. `at` is meaningful for `unreachable`.
  virtual void settle(envelope_ptr e, verdict v, stage at) = 0;
};

/// The answer to `flow_host::resolve`.
struct resolution {
  enum class kind : uint8_t { found, none, unknown }; ///< unknown: the directory could not answer
  kind what = kind::none;
  route at; ///< for `found`
};

class flow {
public:
  enum class mode : uint8_t {
    idle,       ///< no route, nothing waits
    unresolved, ///< asked for the route, messages wait
    direct,     ///< a route, nothing waits
    turning,    ///< the route refused a message; waiting for the marker
  };

  /// Tickets and markers count up from `numbers_from`: one that outlives its flow must not fit a later flow
  /// to the same device.
  explicit flow(device_id device, uint64_t numbers_from = 0)
      : device_{std::move(device)}, number_{numbers_from} {}

  /// A new message. Settled `congested` where too much waits already.
  void send(envelope_ptr e, const limits &lim, flow_host &host) {
    last_used_ = e->accepted_at;
    if (mode_ == mode::direct)
      forward(std::move(e), host);
    else
      hold(std::move(e), lim, host);
  }
  /// The answer to a resolve; ignored where `ticket` is not the latest asked. `found` sends what was bounced,
  /// then what waited; `none` settles all of it `offline`, `unknown` as `unreachable` at `directory`.
  void on_resolved(uint64_t ticket, const resolution &r, flow_host &host);
  /// A message the path bounced, with the route it was refused on. A message is sent again once; the second
  /// time it is settled `offline`. One that comes back when its marker has already returned, or from another
  /// route, cannot be sent in order any more: settled `offline` too, it certainly was not delivered.
  void on_stale(envelope_ptr e, const route &refused_by, flow_host &host);
  /// The marker is back: resolves again where something is to be sent, else becomes idle.
  void on_marker(uint64_t marker, flow_host &host);
  /// The node of the route was lost, its link's order with it. The owner settles what is under way there
  /// (`unreachable` at `sent`); what was bounced before is here, certainly undelivered, and goes on with the
  /// next route.
  void on_route_lost(incarnation inc, flow_host &host);
  /// Somebody learned a route (a bind on this node): used only where no message is under way that could be
  /// overtaken and it is newer than the last one, otherwise ignored: the old path will bounce.
  void learn(const route &at, flow_host &host);
  /// Settles what waits past its ttl (`expired`) or its deadline (`unreachable`), whichever came first: at
  /// `directory` where it was never sent, at `sent` where it was bounced.
  void expire(time_point now, flow_host &host);
  /// Settles everything that waits as `unreachable`: the loop ends. Idle afterwards.
  void abandon(flow_host &host);

  const device_id &device() const noexcept { return device_; }
  mode state() const noexcept { return mode_; }
  /// The last route known; meaningful in `direct` and `turning`.
  const route &at() const noexcept { return route_; }
  /// Messages held here, bounced ones included.
  size_t waiting() const noexcept { return held_ ? held_->bounced.size() + held_->fresh.size() : 0; }
  /// What those are charged (`envelope::cost`).
  size_t waiting_bytes() const noexcept { return held_ ? held_->bounced_bytes + held_->fresh_bytes : 0; }
  /// Nothing waits and nothing is asked: the owner may forget it (then a route is only a cache entry).
  bool is_quiet() const noexcept { return mode_ == mode::idle || mode_ == mode::direct; }
  /// When the latest message was accepted.
  time_point last_used() const noexcept { return last_used_; }

private:
  /// What waits. Most flows of a loop are direct and hold nothing: they pay one pointer for it.
  struct queues {
    std::vector<envelope_ptr> bounced; ///< in the order they came back; bounded by the link's credit
    std::vector<envelope_ptr> fresh;   ///< never sent, in the order they came; bounded by `limits`
    size_t bounced_bytes = 0;
    size_t fresh_bytes = 0;
    time_point due = time_point::max(); ///< nothing in here ends before
  };

  void forward(envelope_ptr e, flow_host &host) {
    e->reached = stage::sent;
    host.forward(route_, std::move(e));
  }
  void hold(envelope_ptr e, const limits &lim, flow_host &host);
  queues &held();
  void ask(flow_host &host);
  void go_direct(const route &at, flow_host &host);
  void settle_all(verdict v, bool at_directory, flow_host &host);
  static void expire(std::vector<envelope_ptr> &list, size_t &bytes, time_point &due, time_point now,
                     flow_host &host);

  device_id device_;
  route route_;
  uint64_t number_; ///< of the latest resolve or marker
  time_point last_used_{};
  std::unique_ptr<queues> held_; ///< null where nothing waits
  mode mode_ = mode::idle;
};

} // namespace stentor
