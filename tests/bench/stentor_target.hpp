// SPDX-License-Identifier: Apache-2.0
// The server under test as a running target: stentord on one loop, pinned to its core, with rates lifted so
// that the generator and not a limit sets the pace. Owned by a scenario.
#pragma once

#include "tests/bench/options.hpp"
#include "tests/bench/server_process.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <string>
#include <vector>

namespace stentor::bench {

class stentor_target {
public:
  enum class access : uint8_t { development, tokens };
  /// Starts `how.server_program`, and sends one message from device to device with the client library, so
  /// that a server that does not work says so before anything is measured.
  static caf::expected<std::unique_ptr<stentor_target>> start(const options &how, access by);

  pid_t pid() const noexcept { return process_.pid(); }
  const net::socket_address &device_address() const noexcept { return process_.device_address(); }
  const net::socket_address &api_address() const noexcept { return process_.api_address(); }

  /// A good HS256 token for this device.
  caf::expected<std::string> token(const std::string &device, const std::string &account) const;

private:
  [[nodiscard]] caf::error try_out(access by) const;
  stentor_target(server_process process, std::string secret)
      : process_(std::move(process)), secret_(std::move(secret)) {}

  server_process process_;
  std::string secret_;
};

} // namespace stentor::bench
