// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/core_watch.hpp"

#include <algorithm>
#include <unistd.h>

namespace stentor::bench {

namespace {

uint64_t generator_and_hypervisor_ns() {
  return core_use_of(::getpid()).waited_ns + stolen_ns();
}

} // namespace

core_watch::core_watch(std::vector<pid_t> servers)
    : servers_(std::move(servers)), cpu_before_(cpu_of(servers_)),
      others_before_(generator_and_hypervisor_ns()) {
  for (auto pid : servers_)
    before_.push_back(core_use_of(pid));
}

uint64_t core_watch::kept_waiting_ns() const {
  std::vector<uint64_t> wanted;
  for (size_t i = 0; i < servers_.size(); ++i) {
    auto now = core_use_of(servers_[i]);
    wanted.push_back(now.ran_ns + now.waited_ns - before_[i].ran_ns - before_[i].waited_ns);
  }
  return kept_by_strangers_ns(wanted, (cpu_of(servers_) - cpu_before_).total_ns) +
         generator_and_hypervisor_ns() - others_before_;
}

uint64_t kept_by_strangers_ns(const std::vector<uint64_t> &wanted_ns, uint64_t all_ran_ns) noexcept {
  auto longest = wanted_ns.empty() ? 0 : *std::max_element(wanted_ns.begin(), wanted_ns.end());
  return longest > all_ran_ns ? longest - all_ran_ns : 0;
}

} // namespace stentor::bench
