// SPDX-License-Identifier: Apache-2.0
// Binds and restores whose answers were lost: a record of a session that has ended meanwhile may stand, or
// land yet. Once none can land any more, what stands is given up. Confined to its loop. Not for sessions that
// still ask: they repeat, which is idempotent.
#pragma once

#include "cluster/ids.hpp"
#include "net/timer_wheel.hpp"

#include <cstdint>
#include <vector>

namespace stentor::actors {

class loop;

/// A write for the session `who`, of which nobody knows whether it was carried out.
struct unsettled_record {
  device_id device;
  session_ref who;
  epoch ep = 0;          ///< it would stand with this one; 0: with one that only the directory knows
  time_point settled_at; ///< nothing of it lands after this
};

class unsettled_records {
public:
  explicit unsettled_records(loop &host) : host_{host} {}

  /// A session that still holds the device when the record is settled keeps it.
  void add(unsettled_record what);
  void stop() { tick_.cancel(); }

private:
  struct entry {
    unsettled_record what;
    uint8_t looks = 0;
  };
  void keep(entry what);
  void on_tick();
  void give_up(entry what);

  loop &host_;
  std::vector<entry> waiting_; ///< in no order
  net::timer_for<unsettled_records, &unsettled_records::on_tick> tick_{this};
};

} // namespace stentor::actors
