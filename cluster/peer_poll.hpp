// SPDX-License-Identifier: Apache-2.0
// One question to all peers, "can you renew your lease?", and what their answers mean for this node's own
// lease. Owned by `membership`.
#pragma once

#include "cluster/cluster_limits.hpp"
#include "cluster/slots.hpp"
#include "cluster/time.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace stentor {

class peer_poll {
public:
  enum class outcome : uint8_t {
    open,
    one_can, ///< the directory is there, only we do not reach it
    outage,  ///< all that answered cannot, or there is nobody else
    silence, ///< there are others and none answered: it is us who are cut off
  };

  /// `whom` are the others of the last view, of whom only `linked` can be asked. Forgets an earlier round.
  uint64_t begin(boot_time now, bool has_others, std::vector<slot_node> linked) {
    asked_at_ = now;
    has_others_ = has_others;
    waiting_ = std::move(linked);
    can_ = cannot_ = 0;
    running_ = true;
    return ++round_;
  }
  void cancel() noexcept { running_ = false; }
  bool is_running() const noexcept { return running_; }
  boot_time asked_at() const noexcept { return asked_at_; }

  /// An answer of an earlier round, or a second one, counts for nothing.
  void answered(uint64_t round, const slot_node &who, bool can) {
    if (running_ && round == round_ && std::erase(waiting_, who) != 0)
      ++(can ? can_ : cannot_);
  }
  /// This peer will not answer any more.
  void lost(const slot_node &who) { std::erase(waiting_, who); }

  outcome result(boot_time now, const cluster_limits &lim) const noexcept {
    if (can_ > 0)
      return outcome::one_can;
    if (!has_others_)
      return outcome::outage;
    if (!waiting_.empty() && now < asked_at_ + lim.poll_timeout)
      return outcome::open;
    return cannot_ > 0 ? outcome::outage : outcome::silence;
  }

private:
  uint64_t round_ = 0;
  boot_time asked_at_{};
  std::vector<slot_node> waiting_;
  size_t can_ = 0;
  size_t cannot_ = 0;
  bool has_others_ = false;
  bool running_ = false;
};

} // namespace stentor
