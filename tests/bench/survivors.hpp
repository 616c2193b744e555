// SPDX-License-Identifier: Apache-2.0
// Devices of a fleet that come back: whoever loses its connection tries other servers until it has one, each
// try after the wait the client library's own policy gives it. Listens to the fleet; the generator's thread.
#pragma once

#include "net/client/reconnect_policy.hpp"
#include "tests/bench/fleet.hpp"
#include "tests/bench/histogram.hpp"

#include <queue>
#include <utility>
#include <vector>

namespace stentor::bench {

class survivors final : public fleet_events {
public:
  using backoff = net::client::reconnect_policy::options;

  /// From now on. `elsewhere`: at least one server, each device begins with a random one of them.
  /// Device `i` draws from `seed + i`, so that a run can be repeated.
  survivors(fleet &devices, std::vector<net::socket_address> elsewhere, uint64_t seed, backoff how);
  ~survivors() override;

  /// Opens what is due by now; `fleet::turn` does the rest. Returns the time in ns until the next is due, at
  /// most `at_most_ns`.
  uint64_t open_due(uint64_t now_ns, uint64_t at_most_ns);

  uint64_t lost() const noexcept { return lost_; } ///< connections that were ready
  uint64_t failed_tries() const noexcept { return failed_tries_; }
  /// On the steady clock; 0 where nothing was lost, or nobody is back.
  uint64_t first_loss_ns() const noexcept { return first_loss_ns_; }
  uint64_t last_return_ns() const noexcept { return last_return_ns_; }
  /// From each loss until the device was ready again.
  const histogram &away() const noexcept { return away_; }
  /// From the first loss of all until each was ready again.
  const histogram &back() const noexcept { return back_; }
  /// From the try that brought each back until it was ready.
  const histogram &wait() const noexcept { return wait_; }

  void on_ready(connection &c) override;
  void on_lost(connection &c, std::string_view why) override;

private:
  /// After an end, or a socket that could not be had.
  void try_later(connection &c, uint64_t now_ns);

  struct device {
    net::client::reconnect_policy policy;
    uint64_t lost_at_ns = 0; ///< 0 while it is connected
    uint64_t tried_at_ns = 0;
  };
  using due = std::pair<uint64_t, uint32_t>; ///< time in ns, index

  fleet &fleet_;
  std::vector<net::socket_address> elsewhere_;
  std::vector<device> devices_; ///< by index
  std::priority_queue<due, std::vector<due>, std::greater<>> due_;
  histogram away_, back_, wait_;
  uint64_t lost_ = 0, failed_tries_ = 0;
  uint64_t first_loss_ns_ = 0, last_return_ns_ = 0;
};

} // namespace stentor::bench
