// SPDX-License-Identifier: Apache-2.0
// What the auditor decides: which of this incarnation's binds the directory and the sessions disagree about,
// and what mends it. A disagreement counts once it was seen twice, two seconds apart: binds, unbinds and
// takeovers under way look like one for a moment. Pure; owned by the auditor.
#pragma once

#include "actors/core/admin_types.hpp"
#include "cluster/disagreement.hpp"
#include "cluster/time.hpp"

#include <map>
#include <optional>
#include <vector>

namespace stentor::actors {

class audit {
public:
  static constexpr std::chrono::seconds apart{2};
  /// Disagreements under watch; what comes on top is found again in the next round.
  static constexpr size_t max_suspects = 4096;

  struct repair {
    disagreement what;
    storage::record bind; ///< of this incarnation
  };

  /// `bind`: device, account and route of this incarnation. `held`: what its loop says of that very bind,
  /// asked after the directory said `recorded` (any route for the device, or none).
  void look(time_point now, const storage::record &bind, hold_word held,
            const std::optional<route> &recorded);
  /// Binds that are to be looked at again now, at most `most`.
  std::vector<storage::record> due(time_point now, size_t most) const;
  /// Confirmed since the last call.
  std::vector<repair> take_repairs() { return std::exchange(repairs_, {}); }
  /// Nothing can be judged now: what was seen once counts for nothing.
  void forget() { suspects_.clear(); }
  /// All slots were walked.
  void end_round() {
    last_round_ = this_round_;
    this_round_ = 0;
  }
  /// Confirmed in the last whole round.
  size_t disagreements() const noexcept { return last_round_; }
  size_t suspects() const noexcept { return suspects_.size(); }

private:
  struct suspect {
    disagreement what;
    time_point since;
    storage::record bind;
  };
  using key = std::pair<device_id, epoch>;

  std::map<key, suspect> suspects_;
  std::vector<repair> repairs_;
  size_t this_round_ = 0;
  size_t last_round_ = 0;
};

} // namespace stentor::actors
