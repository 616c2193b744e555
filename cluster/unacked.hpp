// SPDX-License-Identifier: Apache-2.0
// Messages written to a device that it has not confirmed yet (`want:"acked"`), in the order written. They
// wait for the ack, and are sent again after a resume. Lives in the target session, travels with a hand-over.
// Pure; sends no verdict: at its deadline a message's sender gets `unreachable` from its own loop.
//
// A message stays past its deadline: the outcome is unknown, and the device that resumes still wants it. It
// is removed when it is confirmed, when both deadline and ttl have passed, or, oldest first, when a new
// message needs the room and its deadline has passed. If only its ttl has passed it is not written again but
// may still be confirmed.
#pragma once

#include "cluster/envelope.hpp"
#include "cluster/limits.hpp"

#include <memory>
#include <vector>

namespace stentor {

class unacked {
public:
  /// Whether `e` fits within `lim.max_unacked_messages` and `lim.max_unacked_bytes` of payload, with what is
  /// `reserved` for messages on their way to `add`. Drops what may go, but only as much as makes it fit.
  [[nodiscard]] bool has_room(const envelope &e, time_point now, const limits &lim);
  void reserve(const envelope &e) noexcept;
  void unreserve(const envelope &e) noexcept;

  /// A message that was written; its room was reserved.
  void add(envelope_ptr e);
  /// Takes out the message that the device confirmed, in any order; null where it is not here.
  [[nodiscard]] envelope_ptr ack(const message_id &id);
  /// What a resumed device gets again, oldest first: everything within its ttl. Valid until the next call.
  [[nodiscard]] std::vector<const envelope *> in_order(time_point now);
  /// Everything in order. Reserved room stays reserved.
  [[nodiscard]] std::vector<envelope_ptr> take_all();

  size_t size() const noexcept { return waiting_ ? waiting_->size() : 0; }
  /// Payload bytes, reserved ones included.
  size_t bytes() const noexcept { return bytes_; }

private:
  void drop_ended(time_point now);
  void release_if_empty() noexcept;

  std::unique_ptr<std::vector<envelope_ptr>> waiting_; ///< oldest first, null where empty
  uint32_t bytes_ = 0;                                 ///< of payload, reserved included
  uint32_t reserved_ = 0;
};

static_assert(sizeof(unacked) == 16);

} // namespace stentor
