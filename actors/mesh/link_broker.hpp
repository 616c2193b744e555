// SPDX-License-Identifier: Apache-2.0
// CAF's BASP broker with the bounds it lacks: what an unauthenticated peer may send and for how long, how
// much may wait for a stalled connection, and a way to sever one. Lives on the multiplexer's thread, like
// every broker; one per node. Uses CAF's code for BASP, after a filter per connection, and knows nothing of
// clusters.
#pragma once

#include "actors/core/types.hpp"
#include "actors/mesh/link_filter.hpp"
#include "actors/mesh/transport.hpp"

#include <caf/io/basp_broker.hpp>

#include <string>
#include <unordered_map>

namespace stentor::actors {

class link_broker final : public caf::io::basp_broker {
public:
  explicit link_broker(caf::actor_config &cfg);

  /// On top of BASP's own:
  /// - `(connect_atom, scribe, port, serial)`: as without the serial, which is then the connection's.
  /// - `(publish_atom, port, actor, inboxes, routers)`: the actor stands at that port from now on; peers may
  ///   send to it and to the others, and to no more actors of this node.
  /// - `(admit_atom, node)` -> serial: the node has said a good hello; answers the number of its newest
  ///   connection, 0 where there is none.
  /// - `(sever_atom, node, upto)` -> count: cuts the node's connections up to that number, at once: what
  ///   waits for them is dropped, actors of the node are down.
  /// - `(sever_atom, serial)` -> count: cuts this one.
  caf::behavior make_behavior() override;
  void flush(caf::io::connection_handle which) override;
  /// Null for an actor of a node that is not connected: what a message says of such actors would stay in
  /// CAF's tables forever.
  caf::strong_actor_ptr make_proxy(caf::node_id node, caf::actor_id id) override;
  /// CAF would ask a new node for its actor factory, and keep an actor for each node it ever met.
  void learned_new_node_directly(const caf::node_id &, bool) override {}
  void learned_new_node_indirectly(const caf::node_id &) override {}
  /// Closes the mailbox, which CAF 0.17's brokers leave open when they end: what came afterwards stayed in it
  /// for ever, and where a detached actor had sent it (its end, say), the actor system waited for ever, too.
  bool cleanup(caf::error &&reason, caf::execution_unit *host) override;
  const char *name() const override { return "link_broker"; }

private:
  using handle = caf::io::connection_handle;
  using clock = std::chrono::steady_clock;
  using actors_of = std::vector<caf::strong_actor_ptr>;
  struct connection {
    uint64_t serial = 0;
    clock::time_point until; ///< cut then, unless it has said a good hello
    link_filter filter;
    bool overflowing = false;
  };
  using connections = std::unordered_map<handle, connection>;

  void on_connected(const caf::io::new_connection_msg &what);
  void on_dialled(caf::io::scribe_ptr &ptr, uint16_t port, uint64_t serial);
  void on_bytes(caf::io::new_data_msg &what);
  void on_closed(handle which);
  void on_overflow(uint64_t serial);
  void on_forward(caf::strong_actor_ptr &from, const actors_of &stages, caf::strong_actor_ptr &to,
                  caf::message_id id, const caf::message &what);
  void on_publish(uint16_t port, const caf::strong_actor_ptr &at_port, const actors_of &inboxes,
                  const actors_of &routers);
  handle find(uint64_t serial) const;
  void look_after_strangers();
  uint64_t adopt(const caf::node_id &node);
  uint32_t sever(const caf::node_id &node, uint64_t upto);

  uint32_t sever(uint64_t serial);

  void add(handle which, bool dialled, uint64_t serial);
  /// What the filter says; anything but `pass` and `drop` has ended the connection.
  link_filter::verdict judge(connection &conn, const caf::io::new_data_msg &what, bool is_payload);
  /// Whether the message that CAF just read named actors of a third node; ends the connection then.
  bool names_third_nodes(handle which);
  void refuse(handle which, peer_refusal why, const char *text);
  /// Ends a connection without waiting for anything.
  void cut(handle which, caf::sec code);
  void forget(handle which, caf::sec code);

  transport &shared_;
  link_receivers receivers_;
  std::string own_node_;                  ///< in CAF's form
  std::vector<caf::node_id> third_nodes_; ///< named by the message that CAF reads now
  connections connections_;
  size_t strangers_ = 0;
};

/// The broker of a system that was configured by `configure_transport`.
caf::actor link_broker_of(caf::actor_system &sys);

} // namespace stentor::actors
