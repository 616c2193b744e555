// SPDX-License-Identifier: Apache-2.0
// A server under test as a child process pinned to its core: started, waited for until it says `ready`, and
// ended with its owner. Knows no protocol. The owner's thread only.
#pragma once

#include "net/address.hpp"

#include <caf/expected.hpp>

#include <string>
#include <sys/types.h>
#include <vector>

namespace stentor::bench {

/// Confines the calling thread, and what it starts from then on, to `core`.
[[nodiscard]] caf::error pin_to_core(int core);

/// The soft descriptor limit becomes the hard one; returns it.
size_t raise_descriptor_limit();

class server_process {
public:
  struct start {
    std::vector<std::string> arguments; ///< the program first; looked for in PATH without a slash in it
    int core = 1;
    int inherited_fd = -1;    ///< stays open in the child under this number; -1 for none
    std::string log_path{};   ///< standard error and what follows the ready line; empty: /dev/null
    std::string ready_text{}; ///< strangers: the line that holds this takes the place of our ready line
  };

  /// Runs the program and reads its output up to the line `ready device=HOST:PORT [api=HOST:PORT]`, or with
  /// `ready_text` up to that, without any address.
  /// `errc::io` with what it said instead where it ends or takes longer than 30 s.
  [[nodiscard]] static caf::expected<server_process> run(const start &how);

  server_process(server_process &&other) noexcept;
  server_process &operator=(server_process &&) = delete;
  /// SIGTERM, and SIGKILL where that takes longer than 10 s.
  ~server_process();

  pid_t pid() const noexcept { return pid_; }
  const net::socket_address &device_address() const noexcept { return device_; }
  /// Size 0 where the server has none.
  const net::socket_address &api_address() const noexcept { return api_; }
  bool is_running() const noexcept;
  /// SIGKILL, at once and without waiting for its end.
  void kill() const noexcept;

private:
  server_process() = default;
  bool is_ready_line(const std::string &line, const std::string &of_stranger);

  pid_t pid_ = -1;
  net::socket_address device_;
  net::socket_address api_;
};

} // namespace stentor::bench
