// SPDX-License-Identifier: Apache-2.0
// Watches that the directory tells the truth about this node: walks the directory's records for those that
// name this incarnation, samples live sessions, looks twice where they differ, and mends (`actors/audit`). An
// ordinary actor, one a node; its cost is bounded by the pace.
#pragma once

#include "actors/core/cluster_view.hpp"
#include "actors/core/interfaces.hpp"
#include "actors/directory/audit.hpp"
#include "actors/telemetry/metrics.hpp"

#include <functional>
#include <memory>

namespace stentor::actors {

/// How much is looked at in one step. A walk of 4,096 slots takes 8 s, and 256 places of sessions a second
/// are sampled; a hurried walk takes 2 s.
struct audit_pace {
  std::chrono::milliseconds step;
  uint16_t slots;
  uint32_t sessions;
  uint32_t rechecks;
};
/// Many small steps: each keeps the directory's only caller busy for less than a millisecond.
inline constexpr audit_pace shared_pace{std::chrono::milliseconds{125}, 64, 32, 128};
/// A directory in memory looks at every record in each step, so steps are few.
inline constexpr audit_pace single_pace{std::chrono::milliseconds{1000}, 512, 256, 256};
inline constexpr uint16_t hurry = 4; ///< times the pace

struct auditor_deps {
  incarnation inc = 0;
  std::vector<loop_inbox_actor> inboxes; ///< of the loops, by index
  directory_actor directory;
  std::shared_ptr<const cluster_view> view;
  std::shared_ptr<actors::metrics> metrics;
  bool clustered = false;
  std::function<time_point()> now = [] { return std::chrono::steady_clock::now(); };
};

struct auditor_state {
  auditor_state() = default;
  static constexpr const char *name = "auditor";

  auditor_actor::pointer self = nullptr;
  auditor_deps deps;
  audit logic;
  size_t next_slot = 0;
  size_t next_loop = 0;
  uint64_t next_place = 0;
  bool hurries = false;
  time_point quiet_until{}; ///< nothing is judged before
  size_t open = 0;          ///< questions without an answer: the next step waits for them

  const audit_pace &pace() const noexcept { return deps.clustered ? shared_pace : single_pace; }
  void step();

private:
  using records = std::vector<storage::record>;
  bool can_judge() const;
  void walk();
  void sample();
  void recheck();
  /// Asks the loops about binds that the directory recorded as told; binds of loops that do not exist are
  /// gone.
  void ask_held(records binds, std::vector<std::optional<route>> recorded);
  /// Asks the directory first.
  void check(records binds);
  void repair();
  void end_step();
};

auditor_actor::behavior_type auditor(auditor_actor::stateful_pointer<auditor_state> self, auditor_deps deps);

} // namespace stentor::actors
