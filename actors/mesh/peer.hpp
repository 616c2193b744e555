// SPDX-License-Identifier: Apache-2.0
// One other incarnation and the link to it: exactly one of the two connects, both send pings, either may
// sever. Drives `link` of cluster/link_schedule.hpp, notifies the mesh, and ends when the mesh requests it.
// Ordinary actor on CAF's scheduler.
#pragma once

#include "actors/core/mesh_types.hpp"
#include "actors/mesh/transport.hpp"
#include "net/address.hpp"

#include <memory>
#include <random>

namespace stentor::actors {

/// What a peer needs of its node.
struct peer_deps {
  std::shared_ptr<transport> shared;
  mesh_actor mesh;
  caf::actor broker;
  link_hello mine;                ///< its epoch is the peer's business
  std::function<bool()> doubtful; ///< for our hello
  storage::lease whom;
};

struct peer_state {
  /// Nothing goes on; connecting; a connection is open and a hello on its way; it is cut, and the broker has
  /// not said so yet.
  enum class step : uint8_t { idle, connecting, greeting, severing };

  peer_state() = default;
  static constexpr const char *name = "peer";

  peer_actor::pointer self = nullptr;
  peer_deps deps;
  stentor::link link{{}};
  step at = step::idle;
  bool dials = false;              ///< this side connects
  uint64_t serial = 0;             ///< of the connection: the link's, or the one that is to be one
  uint64_t timer = 0;              ///< the latest tick asked for
  caf::strong_actor_ptr peer_port; ///< theirs
  uint64_t round = 0;              ///< grows with each link and attempt; answers of an earlier one are late
  bool stopping = false;
  bool failure_told = false; ///< one line a row of failures
  std::minstd_rand random;

  void start();
  void tick(uint64_t number);
  caf::result<hello_answer> on_hello(link_hello &theirs);
  void on_sever(uint32_t epoch, const std::string &reason);
  void on_down(const caf::down_msg &what);
  void stop(bool node_stops);

private:
  void connect();
  void greet(const caf::strong_actor_ptr &their_port);
  void on_greeted(const hello_answer &answer);
  /// What is wrong with their hello; empty for nothing.
  std::string objection(const link_hello &theirs) const;
  link_hello own_hello(uint32_t epoch) const;
  void begin(const link_hello &theirs, uint32_t epoch);
  void end(link_end why, const std::string &text);
  void fail(const std::string &text, bool lasting = false);
  void ping();
  void wake_at(time_point when);
  time_point now() const { return self->clock().now(); }
  double any() { return std::uniform_real_distribution<double>{0, 1}(random); }
};

peer_actor::behavior_type peer(peer_actor::stateful_pointer<peer_state> self, peer_deps deps);

} // namespace stentor::actors
