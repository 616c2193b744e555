// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/reach.hpp"

#include "cluster/errc.hpp"
#include "net/client/blocking.hpp"
#include "tests/bench/crowd_child.hpp"

#include <chrono>
#include <cstdlib>

namespace stentor::bench {

namespace {

using net::client::blocking_device;
constexpr std::chrono::seconds patience{10};

caf::expected<std::unique_ptr<blocking_device>> connect(const server_process &node, const node_access &access,
                                                        const std::string &name) {
  net::client::device_options who;
  who.at = node.device_address();
  who.host = net::to_string(who.at);
  auto token = access.token_to_all(name, name);
  if (!token)
    return std::move(token.error());
  who.token = std::move(*token);
  return blocking_device::connect(who);
}

void send(blocking_device &sender, const std::string &id, const std::string &to) {
  net::client_frame message;
  message.id = id;
  message.to_device = to;
  message.wants = want::written;
  message.data = "\x01";
  sender.send(message);
}

} // namespace

caf::expected<reach_result> reach(const cluster_target &nodes, const std::vector<size_t> &from,
                                  uint32_t first, uint32_t count, uint32_t sample) {
  reach_result result;
  struct target {
    std::string name;
    size_t written = 0;
    bool has_crossed = false; ///< a message came from another node than the device's
  };
  std::vector<target> targets(sample);
  for (uint32_t i = 0; i < sample; ++i)
    targets[i].name = crowd_device_name(first + static_cast<uint32_t>(uint64_t{i} * count / sample));
  for (auto index : from) {
    auto sender = connect(nodes.node(index), nodes.access(), "reach-" + std::to_string(index));
    if (!sender)
      return std::move(sender.error());
    for (uint32_t i = 0; i < sample; ++i)
      send(**sender, std::to_string(i), targets[i].name);
    for (uint32_t i = 0; i < sample; ++i) {
      auto said = (*sender)->next(net::server_frame::kind::verdict, patience);
      if (!said)
        return std::move(said.error());
      auto which = std::strtoul(said->id.c_str(), nullptr, 10);
      if (which >= sample)
        return make_error(errc::io, "a verdict for a message nobody sent: " + said->id);
      auto &x = targets[which];
      if (said->result == verdict::written) {
        ++x.written;
        x.has_crossed = x.has_crossed || said->by.node.str() != cluster_target::node_name(index);
      } else if (result.failure.empty()) {
        result.failure =
            x.name + ": " + (said->result ? std::string{to_string(*said->result)} : "no verdict");
      }
    }
  }
  for (auto &x : targets)
    result.devices += x.has_crossed && x.written == from.size();
  return result;
}

caf::expected<verdict> verdict_of(const cluster_target &nodes, size_t from, const std::string &device) {
  auto sender = connect(nodes.node(from), nodes.access(), "reach-" + std::to_string(from));
  if (!sender)
    return std::move(sender.error());
  send(**sender, "1", device);
  auto said = (*sender)->next(net::server_frame::kind::verdict, patience);
  if (!said)
    return std::move(said.error());
  return said->result.value_or(verdict::invalid);
}

} // namespace stentor::bench
