// SPDX-License-Identifier: Apache-2.0
// How much data may be under way from one loop to one loop of another node, and how much is: what was sent,
// less what the other side says it has handled. Both count from the beginning of the link, so that a lost or
// repeated word of credit does no harm. All lanes of a link share what may wait for its connection. One
// object a lane and link epoch. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace stentor {

class link_credit {
public:
  static constexpr uint64_t most_bytes = 8 * 1024 * 1024; ///< a tenth of a second at what a link carries
  static constexpr uint64_t most_messages = 65536;
  /// All lanes of a link together, as far as `least_bytes` allows: under what a connection may have unsent
  /// (64 MiB), so that a burst is `congested` and does not sever the link.
  static constexpr uint64_t link_bytes = 48 * 1024 * 1024;
  static constexpr uint64_t least_bytes = 128 * 1024; ///< a message of the greatest size and some more

  link_credit() = default;
  /// One of `lanes` lanes of a link, which is the product of both nodes' loops.
  explicit link_credit(size_t lanes) noexcept
      : limit_{std::clamp(link_bytes / std::max<uint64_t>(lanes, 1), least_bytes, most_bytes)} {}

  /// Takes credit for one message of `bytes`; false, and nothing taken, where it is used up.
  [[nodiscard]] bool take(uint64_t bytes) noexcept {
    if (pending_bytes() + bytes > limit_ || pending_messages() >= most_messages)
      return false;
    sent_bytes_ += bytes;
    ++sent_messages_;
    return true;
  }
  /// The other side has handled this much since the link began. False where that is more than was sent, or
  /// less than it said before: the link must end.
  [[nodiscard]] bool on_handled(uint64_t bytes, uint64_t messages) noexcept {
    if (bytes > sent_bytes_ || messages > sent_messages_ || bytes < handled_bytes_ ||
        messages < handled_messages_)
      return false;
    handled_bytes_ = bytes;
    handled_messages_ = messages;
    return true;
  }

  /// As long as the other side tells at this much handled, the sender does not wait for it. Both sides of a
  /// lane have the same.
  uint64_t tell_bytes() const noexcept { return limit_ / 16; }
  static constexpr uint64_t tell_messages = most_messages / 16;

  uint64_t limit() const noexcept { return limit_; }
  uint64_t pending_bytes() const noexcept { return sent_bytes_ - handled_bytes_; }
  uint64_t pending_messages() const noexcept { return sent_messages_ - handled_messages_; }

private:
  uint64_t limit_ = most_bytes;
  uint64_t sent_bytes_ = 0;
  uint64_t sent_messages_ = 0;
  uint64_t handled_bytes_ = 0;
  uint64_t handled_messages_ = 0;
};

} // namespace stentor
