// SPDX-License-Identifier: Apache-2.0
// CAF's BASP broker with the bounds it lacks: what a stranger may send and for how long, how much may wait
// for a stalled connection, and a way to sever one. Lives on the multiplexer's thread, like every broker; one
// a node. Speaks BASP by CAF's code and knows nothing of clusters.
#pragma once

#include "actors/core/types.hpp"
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
  /// - `(adopt_atom, node)` -> serial: the node has said a good hello; answers the number of its newest
  ///   connection, 0 where there is none.
  /// - `(sever_atom, node, upto)` -> count: cuts the node's connections up to that number, at once: what
  /// waits
  ///   for them is dropped, actors of the node are down.
  /// - `(sever_atom, serial)` -> count: cuts this one.
  caf::behavior make_behavior() override;
  void flush(caf::io::connection_handle which) override;
  /// Closes the mailbox, which CAF 0.17's brokers leave open when they end: what came afterwards stayed in it
  /// for ever, and where a detached actor had sent it (its end, say), the actor system waited for ever, too.
  bool cleanup(caf::error &&reason, caf::execution_unit *host) override;
  const char *name() const override { return "link_broker"; }

private:
  using handle = caf::io::connection_handle;
  using clock = std::chrono::steady_clock;
  struct connection {
    uint64_t serial = 0;
    clock::time_point until; ///< a stranger is cut then
    bool dialled = false;
    bool known = false;   ///< BASP's handshake is done
    bool adopted = false; ///< no stranger
    bool overflowing = false;
  };
  using connections = std::unordered_map<handle, connection>;

  void on_connected(const caf::io::new_connection_msg &what);
  void on_dialled(caf::io::scribe_ptr &ptr, uint16_t port, uint64_t serial);
  void on_bytes(caf::io::new_data_msg &what);
  void on_closed(handle which);
  void on_overflow(uint64_t serial);
  handle find(uint64_t serial) const;
  void look_after_strangers();
  uint64_t adopt(const caf::node_id &node);
  uint32_t sever(const caf::node_id &node, uint64_t upto);

  uint32_t sever(uint64_t serial);

  void add(handle which, bool dialled, uint64_t serial);
  /// What is wrong with the header at the start of `bytes`; null for nothing.
  const char *objection(const std::vector<char> &bytes, const connection &conn);
  void refuse(handle which, peer_refusal why, const char *text);
  /// Ends a connection without waiting for anything.
  void cut(handle which, caf::sec code);
  void forget(handle which, caf::sec code);

  transport &shared_;
  connections connections_;
  size_t strangers_ = 0;
};

/// The broker of a system that was configured by `configure_transport`.
caf::actor link_broker_of(caf::actor_system &sys);

} // namespace stentor::actors
