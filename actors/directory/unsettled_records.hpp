// SPDX-License-Identifier: Apache-2.0
// Binds and restores whose answers were lost: a record of a session that has ended meanwhile may stand, or
// land yet. Once none can land any more, what stands is given up. Confined to its loop. Not for sessions that
// still ask: they repeat, which is idempotent.
#pragma once

#include "actors/directory/directory_deps.hpp"
#include "cluster/ids.hpp"
#include "net/timer_wheel.hpp"

#include <cstdint>
#include <vector>

namespace stentor::actors {

class directory_client;

/// A write for the session `who`, of which nobody knows whether it was carried out.
struct unsettled_record {
  device_id device;
  session_ref who;
  epoch ep = 0;          ///< it would stand with this one; 0: with one that only the directory knows
  time_point settled_at; ///< nothing of it lands after this
};

class unsettled_records {
public:
  unsettled_records(const directory_deps &deps, directory_client &client)
      : host_{deps.host}, sessions_{deps.sessions}, client_{client} {}

  /// A session that still holds the device when the record is settled keeps it.
  void add(unsettled_record what);
  /// A bind of `who` that may land within the time the directory has from now.
  void add(const device_id &device, const session_ref &who);
  void stop() { tick_.cancel(); }

private:
  struct entry {
    unsettled_record what;
    uint8_t looks = 0;
  };
  void keep(entry what);
  void on_tick();
  void give_up(entry what);

  loop_env &host_;
  session_table &sessions_;
  directory_client &client_;
  std::vector<entry> waiting_; ///< in no order
  net::timer_for<unsettled_records, &unsettled_records::on_tick> tick_{this};
};

} // namespace stentor::actors
