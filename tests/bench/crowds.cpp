// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/crowds.hpp"

#include <algorithm>

namespace stentor::bench {

caf::expected<std::vector<crowd_process>> gather_crowds(const options &how, const cluster_target &nodes,
                                                        uint32_t devices_each, unsigned source_net) {
  std::vector<crowd_process> crowds;
  for (size_t i = 0; i < nodes.size(); ++i) {
    crowd_plan plan;
    plan.server = net::to_string(nodes.node(i).device_address());
    for (size_t j = 0; j < nodes.size(); ++j)
      if (j != i)
        plan.others.push_back(net::to_string(nodes.node(j).device_address()));
    plan.secret = nodes.access().secret();
    plan.devices = devices_each;
    plan.first = static_cast<uint32_t>(i) * devices_each;
    plan.source_net = source_net + static_cast<unsigned>(i);
    auto crowd = crowd_process::start(plan, how.generator_core);
    if (!crowd)
      return std::move(crowd.error());
    crowds.push_back(std::move(*crowd));
  }
  return crowds;
}

caf::expected<std::vector<crowd_report>> tell_all(const std::vector<crowd_process> &crowds,
                                                  crowd_command command) {
  for (auto &crowd : crowds)
    if (auto failed = crowd.tell(command))
      return failed;
  std::vector<crowd_report> said;
  for (auto &crowd : crowds) {
    auto one = crowd.answer();
    if (!one)
      return std::move(one.error());
    said.push_back(*one);
  }
  return said;
}

crowd_report sum_of(const std::vector<crowd_report> &said) noexcept {
  crowd_report sum;
  for (auto &x : said) {
    sum.connected += x.connected;
    sum.tried_again += x.tried_again;
    sum.wait_p99_ns = std::max(sum.wait_p99_ns, x.wait_p99_ns);
  }
  return sum;
}

} // namespace stentor::bench
