// SPDX-License-Identifier: Apache-2.0
// Tells what became of every message: each stream numbers its messages, and the receiver hands in whatever
// arrived. Finds what was lost, came twice, came out of order, came to the wrong device or came damaged.
// Pure; any one thread.
#pragma once

#include "tests/bench/payload.hpp"

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace stentor::bench {

struct verification {
  uint64_t sent = 0;
  uint64_t arrived = 0;    ///< distinct messages at their right device
  uint64_t lost = 0;       ///< sent and never arrived
  uint64_t duplicated = 0; ///< arrivals of something that had arrived before
  uint64_t reordered = 0;  ///< arrived after a later one of their stream
  uint64_t misrouted = 0;  ///< arrived at another device than they were for
  uint64_t damaged = 0;    ///< not one of ours, or changed on the way

  bool is_clean() const noexcept {
    return lost == 0 && duplicated == 0 && reordered == 0 && misrouted == 0 && damaged == 0;
  }
  void add(const verification &other) noexcept;
};

class verifier {
public:
  explicit verifier(size_t streams) : streams_(streams) {}

  /// The number the next message of `stream` must carry.
  uint64_t next_number(uint32_t stream) noexcept {
    ++counts_.sent;
    return streams_[stream].sent++;
  }

  enum class finding : uint8_t { good, duplicated, reordered, misrouted, damaged };
  /// A message arrived at the device with index `receiver`. `good` and `reordered` are first arrivals.
  finding arrived(uint32_t receiver, const std::optional<payload_fields> &message);

  /// What is under way: sent, and not arrived at its device yet.
  uint64_t outstanding() const noexcept { return counts_.sent - counts_.arrived; }

  /// The counts, with everything still outstanding taken as lost: call it when nothing can arrive any more.
  verification result() const noexcept;

private:
  struct stream {
    uint64_t sent = 0;
    uint64_t expected = 0;
    std::unordered_set<uint64_t> skipped; ///< below `expected` and not arrived
  };
  std::vector<stream> streams_;
  verification counts_;
};

} // namespace stentor::bench
