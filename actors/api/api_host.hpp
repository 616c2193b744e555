// SPDX-License-Identifier: Apache-2.0
// What the back-end API needs from its loop and node. The `api_actor` implements it; tests have their own.
// Loop-confined. Every question is answered exactly once by the `api` method named next to it, never inside
// the question itself.
#pragma once

#include "actors/core/admin_types.hpp"
#include "cluster/envelope.hpp"
#include "net/event_loop.hpp"

#include <cstdint>

namespace stentor::actors {

class api_host {
public:
  virtual ~api_host() = default;

  virtual net::event_loop &io() = 0;
  virtual message_id next_message_id() = 0;

  /// Sends a message on its path -> `api::on_outcome`, also inside this call. With ticket 0 nobody waits.
  virtual void submit(envelope_ptr e, uint64_t ticket) = 0;
  /// -> `api::on_device`
  virtual void find_device(const device_id &device, uint64_t ticket) = 0;
  /// -> `api::on_devices`
  virtual void find_devices(const account_id &account, uint64_t ticket) = 0;
  /// The busiest actors -> `api::on_text`, a JSON object.
  virtual void top_actors(uint32_t most, uint64_t ticket) = 0;
  /// A question of the operator -> `api::on_admin`
  virtual void admin(const admin_question &what, uint64_t ticket) = 0;
  /// The node's metrics in the Prometheus text format -> `api::on_text`, also inside this call.
  virtual void metrics(uint64_t ticket) = 0;
  /// Why the node should be sent no pushes now, a static word; null while it should.
  virtual const char *not_ready() const = 0;

  // -- for /metrics ----
  /// A message that was refused before it had a path.
  virtual void count_refused(verdict v, want wants) = 0;
  /// A request or connection that was refused for what it was; `reason` is a static word.
  virtual void count_rejected(const char *reason) = 0;
  virtual void count_bad_key() = 0;
  virtual void count_answer(int status) = 0;
  virtual void count_connections(size_t open) = 0;
};

} // namespace stentor::actors
