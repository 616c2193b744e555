// SPDX-License-Identifier: Apache-2.0
// What a loop owes the previous holders of its devices on other nodes: a notice that a newer epoch has taken
// over. It is repeated while the link is up until it is answered, and left in the directory if no answer
// comes. Until they know, two sessions may write to one device. Pure; time is an argument.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace stentor {

/// Word for one holder.
struct supersede_notice {
  route previous; ///< with the epoch it was bound by
  device_id device;
  epoch newer = 0;
};

class supersede_notices {
public:
  static constexpr std::chrono::milliseconds repeat_every{250};
  /// Unanswered this long: the directory is told, too.
  static constexpr std::chrono::milliseconds patience{1000};
  /// The directory did not take it: again after this.
  static constexpr std::chrono::milliseconds post_again{1000};
  /// Past it every lease of a holder that never answers has ended.
  static constexpr std::chrono::milliseconds lifetime{30000};
  static constexpr size_t most = 65536;

  /// What is to be done now.
  struct work {
    std::vector<supersede_notice> send; ///< over the links
    std::vector<supersede_notice> post; ///< in the directory; once each, unless `on_not_posted`
  };

  /// False where too many are owed already: post this one in the directory.
  bool add(supersede_notice what, time_point now);
  /// The node `by` has heard of an epoch of `device`.
  void on_seen(incarnation by, const device_id &device, epoch newer);
  /// The directory did not take it, or did not answer.
  void on_not_posted(const supersede_notice &what, time_point now);
  /// Nobody is left to tell.
  void on_dead(incarnation inc);
  /// `is_up`: whether a link to that incarnation is.
  work due(time_point now, const std::function<bool(incarnation)> &is_up);

  size_t size() const noexcept { return owed_.size(); }

private:
  struct entry {
    supersede_notice what;
    time_point since;
    time_point next;      ///< to be sent again
    time_point next_post; ///< not in the directory before
    bool posted = false;
  };
  /// By holder and device: a later epoch replaces an earlier one.
  std::map<std::pair<incarnation, device_id>, entry> owed_;
};

} // namespace stentor
