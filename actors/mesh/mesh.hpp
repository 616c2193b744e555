// SPDX-License-Identifier: Apache-2.0
// The links of a node to all others: a peer for each incarnation in membership's view, and the peer_port at
// which incoming connections arrive. Notifies subscribers of every link's beginning and end, in order.
// Ordinary actor on CAF's scheduler, one per node.
#pragma once

#include "actors/core/mesh_types.hpp"
#include "actors/mesh/transport.hpp"
#include "net/address.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace stentor::actors {

struct mesh_options {
  std::string cluster;
  node_id node;
  incarnation inc = 0;
  protocol_range protocol;               ///< what this build speaks
  net::socket_address listen;            ///< port 0 takes a free one
  std::string advertise;                 ///< what peers connect to; empty: what we listen on
  bool insecure_peers = false;           ///< listen beyond loopback without TLS
  std::function<renew_word()> can_renew; ///< on CAF's scheduler
  std::function<bool()> doubtful;        ///< the same; told to new peers; may be empty
  /// Why no node can link to this one, a static text; null once one can again. May be empty; on CAF's
  /// scheduler.
  std::function<void(const char *)> on_port_trouble;
  std::vector<caf::strong_actor_ptr> inboxes;
  std::vector<caf::strong_actor_ptr> routers;
  std::vector<caf::strong_actor_ptr> subscribers; ///< get `(link, link_news)`
};

/// A running mesh, for its node's thread.
struct mesh_handle {
  mesh_actor mesh;
  std::string listening; ///< the address with its actual port
  std::string address;   ///< to advertise
  std::shared_ptr<transport> shared;
  const link_counters &counters() const noexcept { return shared->counters; }

  /// Ends every link, closes the port and waits, at most two seconds. Subscribers hear each end. Once; before
  /// the actor system goes.
  void stop();
  /// Subscribers that came later than the mesh, before the first view.
  void subscribe(caf::strong_actor_ptr who);
};

/// Opens the peer port. `errc::config` where it would be open to everybody, or where the system was not made
/// by `configure_transport`; `errc::io` where the address cannot be had.
[[nodiscard]] caf::expected<mesh_handle> start_mesh(caf::actor_system &sys, mesh_options options);

struct mesh_state {
  mesh_state() = default;
  static constexpr const char *name = "mesh";

  struct peer_entry {
    peer_actor handle;
    node_id node;
    caf::strong_actor_ptr peer_port;     ///< while the link is up
    bool leaving = false;                ///< told to end
    std::optional<storage::lease> again; ///< came back meanwhile
  };

  mesh_actor::pointer self = nullptr;
  std::shared_ptr<transport> shared;
  mesh_options options;
  caf::strong_actor_ptr peer_port; ///< ours; null from its end until it is started again
  uint16_t port = 0;
  std::map<incarnation, peer_entry> peers;
  bool stopping = false;

  void on_view(const std::vector<storage::lease> &view);
  void on_sever(incarnation inc, uint32_t epoch, const std::string &reason);
  void on_ask(uint64_t round);
  caf::result<hello_answer> on_hello(link_hello &theirs);
  void on_news(peer_news &news);
  void on_ended(const caf::down_msg &what);
  void adopt_port(const caf::strong_actor_ptr &at_port);
  void restart_port();
  void stop();

private:
  hello own_hello() const;
  void add(const storage::lease &who);
  void on_peer_ended(const caf::actor_addr &which);
  void on_port_ended(const caf::error &reason);
  void tell_peers_of_port(const caf::strong_actor_ptr &at_port);
  void dismiss(peer_entry &known, bool node_stops);
  void quit_when_done();
};

mesh_actor::behavior_type mesh(mesh_actor::stateful_pointer<mesh_state> self,
                               std::shared_ptr<transport> shared, mesh_options options);

} // namespace stentor::actors
