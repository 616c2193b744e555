// SPDX-License-Identifier: Apache-2.0
// The outcome of a message: the closed set of verdicts, which of them a sender may request, and how far a
// message certainly came. Pure values, any thread. docs/protocol.md#verdicts is the text for users.
#pragma once

#include "cluster/ids.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace stentor {

/// Exactly one final verdict a message. The order is the order of bytes on the wire between nodes: append
/// only.
enum class verdict : uint8_t {
  written,     ///< the kernel of the device's node took the frame's last byte, on a socket believed bound
  acked,       ///< the device confirmed it
  stored,      ///< waiting for the device (needs the mailbox)
  offline,     ///< certainly not delivered: no such device connected
  refused,     ///< certainly not delivered: the sender has no right to this target
  limited,     ///< certainly not delivered: the sender is over its rate
  invalid,     ///< certainly not delivered: bad input, or not representable in the device's format
  expired,     ///< certainly not delivered: its time to live ran out first
  congested,   ///< certainly not delivered: the device, its loop or the link is too slow
  duplicate,   ///< this idempotency key reached the device before; carries the first verdict
  unreachable, ///< outcome unknown: timeout, node lost, directory away; carries `stage`
};
inline constexpr size_t verdict_count = 11;

/// Which verdicts the sender wants to be told.
enum class want : uint8_t {
  written, ///< the default: as soon as it is written, or what went wrong
  acked,   ///< when the device confirmed it, or what went wrong
  errors,  ///< only what is neither written nor acked
  none,    ///< nothing
};

inline constexpr size_t want_count = 4;

/// The last stage a message surely reached: the `at` of `unreachable`.
enum class stage : uint8_t {
  accepted,  ///< taken from the sender
  directory, ///< waiting to learn where the device is
  sent,      ///< handed to the path to the device's loop
  session,   ///< arrived at the device's session
  written,   ///< in the kernel of the device's node, not confirmed by the device
};
inline constexpr size_t stage_count = 5;

/// Every sentence an outcome may carry. Nodes tell each other the text, and one that is not among these is
/// left out (`known_detail`).
namespace details {
/// These two also decide an HTTP status (409, 422).
inline constexpr char in_progress[] = "the first message with this key is still in progress";
inline constexpr char other_body[] = "this key was used with another body";
inline constexpr char other_account[] = "the target belongs to another account";
inline constexpr char too_many_keys[] = "too many idempotency keys are in progress";
inline constexpr char too_many_pending[] = "too many messages of this node or sender have no verdict yet";
inline constexpr char too_many_unacked[] = "too many messages wait for the device's ack";
inline constexpr char not_representable[] = "not representable";
inline constexpr char too_large[] = "larger than a frame in the device's format";
inline constexpr char too_slow[] = "the device does not read fast enough";
inline constexpr char connecting[] = "the device is connecting";
} // namespace details

/// Our own copy of the sentence, as an `outcome` holds it; null for any other text.
const char *known_detail(std::string_view text) noexcept;

/// The connection a frame was written to. `ep` 0 means none.
struct via {
  node_id node;
  epoch ep = 0;
  friend bool operator==(const via &, const via &) = default;
};

/// A final verdict with what the sender is told beside it.
struct outcome {
  verdict what = verdict::unreachable;
  stage at = stage::accepted;   ///< meaningful for `unreachable` only
  via by;                       ///< for `written`, `acked`, and for `duplicate` the first one's
  std::optional<verdict> first; ///< for `duplicate`: the verdict of the first message under the key
  uint32_t target_us = 0;       ///< time spent at the device's loop, microseconds on its own clock
  const char *detail = nullptr; ///< a static sentence for people, may be null
};

std::string_view to_string(verdict x) noexcept;
std::string_view to_string(want x) noexcept;
std::string_view to_string(stage x) noexcept;
std::optional<want> want_from(std::string_view text) noexcept;
std::optional<verdict> verdict_from(std::string_view text) noexcept;

/// Whether a sender that asked for `w` is told `v`.
bool is_wanted(want w, verdict v) noexcept;

/// The HTTP status of a direct push that ended in `v` (docs/protocol.md#verdicts).
int http_status(verdict v) noexcept;

/// Whether the message is certainly not at the device.
bool is_certain_loss(verdict v) noexcept;

} // namespace stentor
