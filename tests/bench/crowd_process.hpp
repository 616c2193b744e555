// SPDX-License-Identifier: Apache-2.0
// The parent's end of a crowd: starts the process on the generator's core, tells it what to do, and ends it
// with its owner, its devices' connections reset. The owner's thread only.
#pragma once

#include "tests/bench/crowd_child.hpp"
#include "tests/bench/server_process.hpp"

#include <caf/expected.hpp>

namespace stentor::bench {

class crowd_process {
public:
  /// Returns once its tokens are signed; nobody is connected yet. `plan.control_fd` does not matter.
  static caf::expected<crowd_process> start(crowd_plan plan, int core);
  crowd_process(crowd_process &&other) noexcept;
  crowd_process &operator=(crowd_process &&) = delete;
  ~crowd_process();

  pid_t pid() const noexcept { return process_.pid(); }

  /// Returns at once; the answer is `answer`'s.
  [[nodiscard]] caf::error tell(crowd_command command) const;
  /// Waits for the answer to the last command, at most 90 s. `errc::io` where there is none, or it failed.
  caf::expected<crowd_report> answer() const;
  /// Whether `answer` need not wait.
  bool has_answer() const noexcept;

private:
  crowd_process(server_process process, int control) : process_(std::move(process)), control_(control) {}

  server_process process_;
  int control_;
};

} // namespace stentor::bench
