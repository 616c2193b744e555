// SPDX-License-Identifier: Apache-2.0
// Verdicts for senders that resumed on another node, while there is no link to it: kept until there is one
// again. Bounded in number and time. Confined to its loop.
#pragma once

#include "actors/lane.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace stentor::actors {

class late_verdicts {
public:
  static constexpr size_t most = 4096;
  /// A link that comes back does so within seconds; a node that does not is declared dead within 7 s.
  static constexpr std::chrono::seconds longest{10};

  struct kept {
    place at;
    time_point until;
    std::unique_ptr<items::owed> what;
  };

  /// False where too many wait already; `what` is dropped then.
  [[nodiscard]] bool keep(const place &at, std::unique_ptr<items::owed> what, time_point now) {
    if (waiting_.size() >= most)
      return false;
    waiting_.push_back({at, now + longest, std::move(what)});
    return true;
  }
  /// Those for a node, oldest first.
  std::vector<kept> take(incarnation inc) {
    std::vector<kept> taken;
    for (auto &x : waiting_)
      if (x.at.inc == inc)
        taken.push_back(std::move(x));
    std::erase_if(waiting_, [](auto &x) { return !x.what; });
    return taken;
  }
  /// Drops what waits too long; returns how many.
  size_t expire(time_point now) {
    size_t dropped = 0;
    for (; !waiting_.empty() && waiting_.front().until <= now; ++dropped)
      waiting_.pop_front();
    return dropped;
  }
  bool empty() const noexcept { return waiting_.empty(); }

private:
  std::deque<kept> waiting_;
};

} // namespace stentor::actors
