// SPDX-License-Identifier: Apache-2.0
// One process of the membership world, and the life it is in. Seen by the world's own sources only.
#pragma once

#include "tests/cluster/membership_world.hpp"

#include <map>
#include <memory>
#include <optional>

namespace stentor::test {

struct membership_world::process {
  struct link {
    link_health health = link_health::down;
    int64_t changed_at = 0; ///< when it last turned good or bad
    bool good = false;
  };
  size_t index = 0;
  node_id name;
  int64_t clock_offset = 0;
  bool alive = true, frozen = false, directory_cut = false, draining = false;
  int64_t started_at = 0, frozen_at = 0, calm_since = 0, must_ask_since = 0, isolated_since = -1;
  std::vector<std::function<void()>> inbox; ///< what came while it was frozen

  // One life, one incarnation.
  slot_node who;
  std::unique_ptr<membership> m;
  std::unique_ptr<lease_board> board;
  std::unique_ptr<lease_guard> guard;
  std::map<slot_node, link> links;
  std::optional<on_view> view;
  bool ready = false;
  std::string_view word;
  int64_t true_until = 0;         ///< by the world's clock, without outages
  int64_t true_before = 0;        ///< the same before the last renewal
  int64_t granted_at = 1'000'000; ///< the first time
  int64_t answer_to = -1;         ///< while a renewal's answer is handled: when that was sent
  int64_t asked_at = -1;          ///< the latest question whose answer was published
  directory_micros first_grant_uptime = -1;
  std::set<slot_node> sweeping;
};

} // namespace stentor::test
