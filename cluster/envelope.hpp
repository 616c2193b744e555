// SPDX-License-Identifier: Apache-2.0
// A message on its way from a sender to one device, and the address its verdict returns to. Moved, never
// shared: exactly one place owns an envelope, and code that destroys it unsettled loses a verdict. Any one
// thread at a time.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/message_id.hpp"
#include "cluster/time.hpp"
#include "cluster/verdict.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace stentor {

/// The two encodings of frames and payloads.
enum class format : uint8_t { json, msgpack };

/// One encoded value in the envelope's format, checked for well-formedness (depth 32) by whoever took it in.
using payload = std::shared_ptr<const std::string>;

/// How a message came in, for metrics.
enum class source : uint8_t { device, http };

/// Where the verdict of a message goes, and the message itself where a session does not take it: a loop and
/// its correlation number. `correlation` 0: nobody waits.
struct origin {
  place at;
  uint64_t correlation = 0;
};

/// What a sender may target.
struct grants {
  bool any_account = false;
  std::vector<account_id> accounts; ///< besides the sender's own
};

/// The device a message comes from, as its session was authenticated. Immutable: a fresh token makes a new
/// one, and messages under way keep the rights they were sent with.
struct sender {
  device_id device;
  account_id account;
  std::shared_ptr<const grants> allowed; ///< null: the own account only
};

struct envelope {
  message_id id;
  device_id to;
  std::shared_ptr<const sender> from; ///< one for all messages of a session; null for back ends
  payload data;
  format data_format = format::json;
  want wants = want::written;
  source by = source::device;
  stage reached = stage::accepted;
  bool resent = false;    ///< it was bounced as stale and sent again once already
  time_point accepted_at; ///< at the sender's loop
  time_point deadline;    ///< after it the verdict is `unreachable`
  time_point expires;     ///< ttl; `time_point::max()` for none
  time_point arrived_at;  ///< at the device's loop
  std::string key;        ///< idempotency key, empty for none, 1 to 128 bytes otherwise
  uint64_t key_digest =
      0; ///< xxh3 of the payload, set where `key` is not empty: another body under a key is `invalid`
  origin answer_to;

  /// Bytes this message is charged for in queues.
  size_t cost() const noexcept { return data->size() + sizeof(envelope); }
  /// The device it comes from; empty for back ends.
  const device_id &from_device() const noexcept;
};

using envelope_ptr = std::unique_ptr<envelope>;

/// Whether `e`'s sender may target a device of `account`; back ends may target every device.
bool may_target(const envelope &e, const account_id &account) noexcept;

} // namespace stentor
