// SPDX-License-Identifier: Apache-2.0
// A flow_host that writes down what it is asked in a line of words, and keeps forwarded messages so that a
// test can give them back. For tests of flows; single-threaded.
#pragma once

#include "cluster/flow.hpp"

#include <map>
#include <string>

namespace stentor::test {

inline constexpr time_point start{std::chrono::hours{1}};

/// A message to `to` with `name` as its payload.
inline envelope_ptr message(const std::string &to, const std::string &name,
                            time_point deadline = start + std::chrono::hours{1}) {
  auto e = std::make_unique<envelope>();
  e->to = device_id::trusted(to);
  e->data = std::make_shared<const std::string>(name);
  e->deadline = deadline;
  e->expires = time_point::max();
  return e;
}

/// A route to `node`'s `loop`; higher loops have higher epochs, so that tests can order routes.
inline route at(const std::string &node, int loop) {
  return {node_id::trusted(node), 1, {static_cast<uint16_t>(loop), 0, 1}, static_cast<epoch>(loop)};
}

class recording_host : public flow_host {
public:
  /// `name>loop`, `marker#number>loop`, `resolve#number`, `name=verdict[@stage]`, each followed by a space.
  std::string take_log() { return std::exchange(log_, {}); }
  /// The last message forwarded under `name`, as the path returns it.
  envelope_ptr back(const std::string &name) { return std::move(forwarded_.at(name)); }

  void forward(const route &to, envelope_ptr e) override {
    log_ += *e->data + ">" + std::to_string(to.session.loop) + " ";
    auto &kept = forwarded_[*e->data];
    kept = std::move(e);
  }
  void send_marker(const route &to, const device_id &, uint64_t marker) override {
    log_ += "marker#" + std::to_string(marker) + ">" + std::to_string(to.session.loop) + " ";
  }
  void resolve(const device_id &, uint64_t ticket) override {
    log_ += "resolve#" + std::to_string(ticket) + " ";
  }
  void settle(envelope_ptr e, verdict v, stage at) override {
    log_ += *e->data + "=" + std::string{to_string(v)};
    if (v != verdict::offline) // a certain loss at any stage
      log_ += "@" + std::string{to_string(at)};
    log_ += " ";
  }

private:
  std::string log_;
  std::map<std::string, envelope_ptr> forwarded_;
};

} // namespace stentor::test
