// SPDX-License-Identifier: Apache-2.0
// How much data may be in flight from one loop to one loop of another node, and how much is: what was sent,
// less what the other side reports as handled. Both count from the beginning of the link, so that a lost or
// repeated credit report does no harm. All lanes of a link share what may wait for its connection: a loop's
// lanes have a `link_share`. One object per lane and link epoch. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace stentor {

class link_credit {
public:
  static constexpr uint64_t most_bytes = 8 * 1024 * 1024; ///< a tenth of a second at what a link carries
  static constexpr uint64_t most_messages = 65536;
  /// All lanes of a link together: under what a connection may have unsent (64 MiB), so that a burst is
  /// `congested` and does not sever the link. Past 384 lanes `link_share` sees to it, not the lanes' limits.
  static constexpr uint64_t link_bytes = 48 * 1024 * 1024;
  static constexpr uint64_t least_bytes = 128 * 1024; ///< a message of the greatest size and some more

  link_credit() = default;
  /// One of `lanes` lanes of a link, which is the product of both nodes' loops.
  explicit link_credit(size_t lanes) noexcept
      : limit_{std::clamp(part(lanes), least_bytes, most_bytes)},
        tell_bytes_{std::min(limit_ / 16, std::max<uint64_t>(part(lanes) / 2, 1))} {}

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

  /// As long as the other side tells at this much handled, the sender does not wait for it: all lanes of a
  /// loop together hold back no more than half of its share. Both sides of a lane have the same.
  uint64_t tell_bytes() const noexcept { return tell_bytes_; }
  static constexpr uint64_t tell_messages = most_messages / 16;

  uint64_t limit() const noexcept { return limit_; }
  uint64_t pending_bytes() const noexcept { return sent_bytes_ - handled_bytes_; }
  uint64_t pending_messages() const noexcept { return sent_messages_ - handled_messages_; }

private:
  static constexpr uint64_t part(uint64_t lanes) noexcept {
    return link_bytes / std::max<uint64_t>(lanes, 1);
  }

  uint64_t limit_ = most_bytes;
  uint64_t tell_bytes_ = most_bytes / 16;
  uint64_t sent_bytes_ = 0;
  uint64_t sent_messages_ = 0;
  uint64_t handled_bytes_ = 0;
  uint64_t handled_messages_ = 0;
};

/// What the lanes of one loop to another node may have under way together. At least 192 KiB, with 256 loops:
/// where every lane has all but told of what it handled, the greatest message still fits.
class link_share {
public:
  link_share() = default;
  /// One of `loops` loops of this node.
  explicit link_share(size_t loops) noexcept
      : limit_{link_credit::link_bytes / std::max<uint64_t>(loops, 1)} {}

  /// As the lane's own.
  [[nodiscard]] bool take(link_credit &lane, uint64_t bytes) noexcept {
    if (pending_bytes_ + bytes > limit_ || !lane.take(bytes))
      return false;
    pending_bytes_ += bytes;
    return true;
  }
  /// As the lane's own.
  [[nodiscard]] bool on_handled(link_credit &lane, uint64_t bytes, uint64_t messages) noexcept {
    auto before = lane.pending_bytes();
    auto is_true = lane.on_handled(bytes, messages);
    pending_bytes_ -= before - lane.pending_bytes();
    return is_true;
  }
  uint64_t limit() const noexcept { return limit_; }
  uint64_t pending_bytes() const noexcept { return pending_bytes_; }

private:
  uint64_t limit_ = link_credit::link_bytes;
  uint64_t pending_bytes_ = 0;
};

} // namespace stentor
