// SPDX-License-Identifier: Apache-2.0
// The last events of the embedded directory, packed: about 45 bytes per event with ids of 16 characters; a
// deque of `event` takes 150. Owned by `memory_directory`, one caller. Keeps whole segments, so it may hold
// up to one segment more than requested.
#pragma once

#include "storage/directory.hpp"

#include <deque>
#include <string>

namespace stentor::storage {

class event_log {
public:
  explicit event_log(size_t most) noexcept : most_{most} {}

  void append(event_kind kind, const device_id &device, const account_id &account, epoch ep);

  /// See `directory::events_after`. `errc::not_found` where `cursor` points before the oldest event kept, or
  /// was never given out: the reader has to start over from the records.
  caf::expected<std::vector<event>> read(std::string &cursor, size_t most) const;

private:
  /// Events packed one behind the other: kind (1 byte), epoch (8), and twice length (1) and text.
  struct segment {
    uint64_t first = 0; ///< number of its first event
    uint64_t count = 0;
    std::string bytes;
  };
  uint64_t oldest() const noexcept { return segments_.empty() ? next_ : segments_.front().first; }

  size_t most_;
  uint64_t next_ = 1; ///< number of the event to come
  std::deque<segment> segments_;
};

} // namespace stentor::storage
