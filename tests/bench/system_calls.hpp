// SPDX-License-Identifier: Apache-2.0
// Counts every system call another process makes, by the kernel's own tracepoint: nothing is left out, and
// nothing depends on what the server says of itself. Needs perf events and tracefs (usually root). Slows
// each call by some 100 ns, so it runs in rounds of its own. Any one thread.
#pragma once

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace stentor::bench {

class system_call_meter {
public:
  /// Attaches to all threads of `pid` and those they start. Check `is_available`.
  explicit system_call_meter(pid_t pid);
  ~system_call_meter();
  system_call_meter(const system_call_meter &) = delete;
  system_call_meter &operator=(const system_call_meter &) = delete;

  bool is_available() const noexcept { return !counters_.empty(); }
  uint64_t read() const noexcept;

private:
  std::vector<int> counters_; ///< one perf event a thread
};

} // namespace stentor::bench
