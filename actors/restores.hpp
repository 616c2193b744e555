// SPDX-License-Identifier: Apache-2.0
// After the directory was lost or away: a loop puts every device it holds back, in batches, each when the one
// before is answered. Where somebody else holds a device with a newer epoch, its session here is superseded.
// Confined to its loop.
#pragma once

#include "net/timer_wheel.hpp"
#include "storage/directory.hpp"

#include <cstdint>
#include <vector>

namespace stentor::actors {

class loop;
struct restore_answer;

class restores {
public:
  explicit restores(loop &host) : host_{host} {}

  /// Begins a round; while one runs, another follows it.
  void start();
  bool is_running() const noexcept { return running_; }
  void stop() { retry_.cancel(); }

private:
  void next();
  void on_answers(const std::vector<session_ref> &who, const std::vector<restore_answer> *answers);

  loop &host_;
  std::vector<session_ref> left_; ///< of this round
  bool running_ = false;
  bool again_ = false;
  net::timer_for<restores, &restores::start> retry_{this};
};

} // namespace stentor::actors
