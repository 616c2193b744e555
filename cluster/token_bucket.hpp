// SPDX-License-Identifier: Apache-2.0
// A rate limit: `rate` per second, `burst` at once. 16 bytes, so that every device has one; the settings are
// the caller's. Pure: time is an argument, always a monotonic one.
#pragma once

#include "cluster/time.hpp"

#include <algorithm>

namespace stentor {

class token_bucket {
public:
  /// Takes one; false where there is none. A `rate` of 0 or less is no limit, a `burst` below 1 counts as 1:
  /// or nothing would ever pass. A new bucket is full. A step back in time gives nothing away.
  [[nodiscard]] bool take(time_point now, double rate, double burst) noexcept {
    if (!(rate > 0))
      return true;
    burst = std::max(burst, 1.0);
    if (last_ == time_point{})
      level_ = burst;
    else if (now > last_)
      level_ = std::min(burst, level_ + rate * std::chrono::duration<double>(now - last_).count());
    last_ = std::max(last_, now);
    if (level_ < 1)
      return false;
    level_ -= 1;
    return true;
  }

private:
  time_point last_{};
  double level_ = 0;
};

static_assert(sizeof(token_bucket) == 16);

} // namespace stentor
