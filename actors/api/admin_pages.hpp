// SPDX-License-Identifier: Apache-2.0
// The pages of `/v1/admin/`: gathered values in, JSON out. Pure, any thread. docs/protocol.md#http names the
// members.
#pragma once

#include "actors/core/admin_types.hpp"
#include "cluster/slots.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::actors {

/// A node as the asked one sees it.
struct node_row {
  member_info who;
  enum class link : uint8_t { self, up, down };
  link at = link::down;
  uint32_t link_epoch = 0;
  std::optional<int64_t> round_trip_us; ///< to a loop of it and back, measured for this page
  bool answered = false;                ///< all of its loops did, in time
  loop_info load;                       ///< of those that did
};

/// What the asked node says of itself.
struct node_state {
  slot_node self;
  bool outage = false;
  bool fenced = false;
  std::string not_ready; ///< empty while it takes work
};

admin_page nodes_page(const node_state &state, const slot_map &slots, const std::vector<node_row> &rows);

/// `slots`: the present owners; `self`: who is asked.
admin_page slots_page(const slot_map &slots, const slot_node &self, const admin_question &asked);

/// What the directory says of a device, beside what sessions say.
enum class device_word : uint8_t {
  match,     ///< the record names the one session that holds the device
  stale,     ///< it names a session that is gone, or another epoch
  orphan,    ///< a session holds the device, and no record names it
  duplicate, ///< more than one session does
  absent,    ///< neither record nor session
  unknown,   ///< the directory or the node that the record names did not answer
};
std::string_view to_string(device_word x) noexcept;

struct device_facts {
  device_id device;
  bool directory_answered = false;
  std::optional<storage::record> record;
  std::vector<session_info> sessions;
  std::vector<slot_node> silent; ///< nodes of which a loop did not answer in time, or that have no link
};
device_word judge(const device_facts &x) noexcept;
admin_page device_page(const device_facts &x);

admin_page error_page(uint16_t status, std::string_view code, std::string_view message);

} // namespace stentor::actors
