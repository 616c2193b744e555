// SPDX-License-Identifier: Apache-2.0
// A link between two incarnations, as one side sees it: which side connects, when to ping, when the link is
// dead, when to try again, and whether a hello fits. Pure: time and randomness are arguments. Owned by one
// `peer`.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/time.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>

namespace stentor {

/// Versions of what nodes say to each other; a node speaks all from `oldest` to `newest`, so that a cluster
/// can be upgraded node by node.
struct protocol_range {
  uint16_t oldest = 1;
  uint16_t newest = 1;
  friend bool operator==(const protocol_range &, const protocol_range &) = default;
};

/// What both sides say before a link is up.
struct hello {
  std::string cluster;
  protocol_range protocol;
  node_id node;
  incarnation inc = 0;
  uint32_t epoch = 0; ///< in a question the lowest the asker accepts, in an answer the one agreed on
};

template <class I>
typename I::result_type inspect(I &f, protocol_range &x) {
  return f(caf::meta::type_name("protocol_range"), x.oldest, x.newest);
}
template <class I>
typename I::result_type inspect(I &f, hello &x) {
  return f(caf::meta::type_name("hello"), x.cluster, x.protocol, x.node, x.inc, x.epoch);
}

/// Why `theirs` cannot link to `mine`, and what to mend; empty where it can.
inline std::string check(const hello &mine, const hello &theirs) {
  if (mine.cluster != theirs.cluster)
    return "cluster is '" + theirs.cluster + "' there and '" + mine.cluster +
           "' here: give both nodes the same --cluster, or separate their directories";
  if (mine.protocol.newest < theirs.protocol.oldest || theirs.protocol.newest < mine.protocol.oldest)
    return "it supports protocol " + std::to_string(theirs.protocol.oldest) + " to " +
           std::to_string(theirs.protocol.newest) + " and this node " + std::to_string(mine.protocol.oldest) +
           " to " + std::to_string(mine.protocol.newest) + ": upgrade by one version at a time";
  if (!is_valid_id(theirs.node.str()) || theirs.inc == 0 || theirs.inc == mine.inc)
    return "its node id is invalid, or this node's own";
  return {};
}

/// Of two incarnations exactly one connects.
inline bool connects(const node_id &self, incarnation own, const node_id &other, incarnation inc) noexcept {
  return self == other ? own < inc : self < other;
}

struct link_times {
  std::chrono::milliseconds ping_every{250};
  std::chrono::milliseconds silence{750}; ///< the oldest unanswered ping is older: dead
  std::chrono::milliseconds first_retry{100};
  std::chrono::milliseconds last_retry{2000};
  std::chrono::milliseconds refused_retry{15000}; ///< a person has to mend something
};

class link {
public:
  explicit link(link_times times) : times_{times} {}

  uint32_t epoch() const noexcept { return epoch_; }
  bool is_up() const noexcept { return up_; }

  void began(time_point now, uint32_t epoch) {
    up_ = true;
    epoch_ = std::max(epoch_, epoch);
    unanswered_.clear();
    next_ping_ = now;
    failures_ = 0;
  }
  void ended(time_point now, double random) {
    up_ = false;
    failed(now, random);
  }
  void failed(time_point now, double random) {
    auto most =
        std::min<int64_t>(times_.last_retry.count(), times_.first_retry.count() << std::min(failures_, 10u));
    ++failures_;
    retry_at_ =
        now + std::chrono::milliseconds{static_cast<int64_t>(static_cast<double>(most) * (0.5 + random / 2))};
  }
  void refused(time_point now) { retry_at_ = now + times_.refused_retry; }
  bool may_connect(time_point now) const noexcept { return !up_ && now >= retry_at_; }

  /// Whether to send a ping now.
  bool ping(time_point now) {
    if (!up_ || now < next_ping_)
      return false;
    next_ping_ = now + times_.ping_every;
    unanswered_.push_back(now);
    return true;
  }
  /// The ping sent then was answered: connections keep order, so all before it were.
  void pong(time_point sent) {
    while (!unanswered_.empty() && unanswered_.front() <= sent)
      unanswered_.pop_front();
  }
  /// When there is something to do next: a ping, a verdict on the last ones, another attempt.
  time_point due() const noexcept {
    if (!up_)
      return retry_at_;
    return unanswered_.empty() ? next_ping_
                               : std::min(next_ping_, unanswered_.front() + times_.silence + tick);
  }
  bool is_dead(time_point now) const noexcept {
    return up_ && !unanswered_.empty() && now - unanswered_.front() > times_.silence;
  }

private:
  static constexpr std::chrono::milliseconds tick{1}; ///< later than the silence, not as late

  link_times times_;
  uint32_t epoch_ = 0;
  bool up_ = false;
  std::deque<time_point> unanswered_; ///< pings, oldest first; at most a second's worth
  time_point next_ping_{};
  time_point retry_at_{};
  unsigned failures_ = 0;
};

} // namespace stentor
