// SPDX-License-Identifier: Apache-2.0
// The verdicts a loop owes: one entry a message whose sender may be told, from acceptance to its one final
// verdict or its deadline. Confined to its loop; time arrives as an argument.
#pragma once

#include "actors/core/generation_table.hpp"
#include "cluster/envelope.hpp"
#include "cluster/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stentor::actors {

/// Who is told.
enum class asker : uint8_t { session, api, fanout };
inline constexpr size_t asker_count = 3;

/// One message without a final verdict yet.
struct pending_verdict {
  asker who = asker::session;
  want wants = want::written;
  source by = source::device;
  stage reached = stage::accepted; ///< for `at`, should it time out
  session_ref session;             ///< for `asker::session`
  uint64_t ticket = 0;             ///< for the others: their own number
  std::string id;                  ///< for a fanout the device
  time_point accepted_at;
  time_point deadline;
  incarnation sent_to = 0; ///< the other node that has the message now; 0 for this one
  message_id message{};    ///< for `asker::session`: its session knows it by this
};

class correlations {
public:
  explicit correlations(size_t most) : most_{most} {}

  /// A number that is never 0 and never used again; 0 where `most` entries are open.
  uint64_t open(pending_verdict entry);
  /// The open entry of a number; null once closed.
  pending_verdict *find(uint64_t correlation) noexcept;
  /// Takes the entry out; nothing where it was closed before (a late verdict).
  std::optional<pending_verdict> close(uint64_t correlation);
  /// Closes what is past its deadline and hands it to `told`; never early, at most one tick late.
  template <class F>
  void expire(time_point now, F &&told) {
    auto tick = tick_of(now);
    // After a pause longer than the ring, one round visits all of it.
    if (tick > drained_ + ring_size)
      drained_ = tick - ring_size;
    while (drained_ < tick) {
      ++drained_;
      auto due = std::exchange(ring_[drained_ % ring_size], {});
      for (auto correlation : due) {
        auto *entry = find(correlation);
        if (!entry)
          continue;
        if (entry->deadline > now)
          file(correlation, entry->deadline); // it did not fit on the ring when it was opened
        else
          told(correlation, std::move(*close(correlation)));
      }
    }
  }
  /// Closes what another node had when the link to it ended, and hands it to `told`.
  template <class F>
  void lose(incarnation inc, F &&told) {
    close_where([inc](const pending_verdict &x) { return x.sent_to == inc; }, told);
  }
  /// Closes everything and hands it to `told`.
  template <class F>
  void close_all(F &&told) {
    close_where([](const pending_verdict &) { return true; }, told);
  }
  size_t size() const noexcept { return entries_.size(); }

private:
  template <class Predicate, class F>
  void close_where(Predicate is_over, F &told) {
    for (size_t i = 0; i < entries_.cells(); ++i)
      if (auto *entry = entries_.at(i); entry && is_over(*entry))
        told(std::move(*entries_.take(*entries_.key_at(i))));
  }
  // Deadlines in a ring of ticks: entries close long before theirs, so a closed number costs 8 bytes until it
  // passes.
  static constexpr std::chrono::milliseconds tick_length{100};
  static constexpr size_t ring_size = 512; ///< 51 s, more than the default `limits::max_timeout`
  void file(uint64_t correlation, time_point deadline);
  uint64_t tick_of(time_point t) const noexcept {
    return static_cast<uint64_t>(t.time_since_epoch() / tick_length);
  }

  size_t most_;
  uint64_t drained_ = 0;
  generation_table<pending_verdict> entries_;
  std::vector<std::vector<uint64_t>> ring_{ring_size};
};

} // namespace stentor::actors
