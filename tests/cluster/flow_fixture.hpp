// SPDX-License-Identifier: Apache-2.0
// One flow under a recording host, for tests that read as a list of events.
#pragma once

#include "tests/cluster/recording_host.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stentor::test {

/// A flow to "d" whose events are one line each; `log()` tells what it asked of its loop since the last call.
struct flow_fixture : testing::Test {
  flow f{device_id::trusted("d")};
  limits lim;
  recording_host host;

  std::string log() { return host.take_log(); }
  void send(const std::string &name) { f.send(message("d", name), lim, host); }
  void found(uint64_t ticket, int loop) {
    f.on_resolved(ticket, {resolution::kind::found, at("n", loop)}, host);
  }
  /// The path gives back what it was handed as `name`.
  void bounce(const std::string &name, int loop) { f.on_stale(host.back(name), at("n", loop), host); }
  void make_direct() {
    send("first");
    found(1, 1);
    log();
  }
  /// "a" and "b" are under way to loop 1, "a" is back.
  void make_turning() {
    make_direct();
    send("a");
    send("b");
    bounce("a", 1);
    log();
  }
};

} // namespace stentor::test
