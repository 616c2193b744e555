// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/verify.hpp"

namespace stentor::bench {

void verification::add(const verification &other) noexcept {
  sent += other.sent;
  arrived += other.arrived;
  lost += other.lost;
  duplicated += other.duplicated;
  reordered += other.reordered;
  misrouted += other.misrouted;
  damaged += other.damaged;
}

verifier::finding verifier::arrived(uint32_t receiver, const std::optional<payload_fields> &message) {
  // A number that was never given out cannot have been sent: whatever this is, it is not one of ours.
  if (!message || message->stream >= streams_.size() || message->number >= streams_[message->stream].sent) {
    ++counts_.damaged;
    return finding::damaged;
  }
  if (message->target != receiver) {
    ++counts_.misrouted;
    return finding::misrouted;
  }
  auto &x = streams_[message->stream];
  if (message->number == x.expected) {
    ++x.expected;
    ++counts_.arrived;
    return finding::good;
  }
  if (message->number > x.expected) {
    for (; x.expected < message->number; ++x.expected)
      x.skipped.insert(x.expected);
    ++x.expected;
    ++counts_.arrived;
    return finding::good;
  }
  if (x.skipped.erase(message->number) == 0) {
    ++counts_.duplicated;
    return finding::duplicated;
  }
  ++counts_.arrived;
  ++counts_.reordered;
  return finding::reordered;
}

verification verifier::result() const noexcept {
  auto result = counts_;
  result.lost = outstanding();
  return result;
}

} // namespace stentor::bench
