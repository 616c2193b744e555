// SPDX-License-Identifier: Apache-2.0
// What mesh, peers and gates say to each other, between nodes and within one. A block of type ids of its own:
// `configure_transport` announces it. Append only.
#pragma once

#include "actors/core/types.hpp"
#include "actors/telemetry/link_counters.hpp"
#include "cluster/link_schedule.hpp"

namespace stentor::actors {

/// What both sides of a link tell each other before it is one: who they are, and whom to talk to.
struct link_hello {
  hello who;
  incarnation to = 0; ///< whom it is meant for: another one may answer at an old address
  caf::strong_actor_ptr peer_port;
  std::vector<caf::strong_actor_ptr> inboxes; ///< of its loops, in order
  std::vector<caf::strong_actor_ptr> routers; ///< a device's is slot modulo their number
  bool doubtful = false; ///< what the directory lacks may not be back there yet, as far as this node knows
};

/// The peer_port's answer. A refusal still says who refuses, so that both sides can log what to mend.
struct hello_answer {
  std::string refusal;  ///< empty: the link is up, under the answer's epoch
  bool lasting = false; ///< a refusal that only a person can mend
  link_hello mine;
};

/// A peer's link as the mesh knows it.
struct peer_news {
  link_news what;
  caf::strong_actor_ptr peer_port; ///< of the other node
};

template <class I>
typename I::result_type inspect(I &f, link_hello &x) {
  return f(caf::meta::type_name("link_hello"), x.who, x.to, x.peer_port, x.inboxes, x.routers, x.doubtful);
}
template <class I>
typename I::result_type inspect(I &f, hello_answer &x) {
  return f(caf::meta::type_name("hello_answer"), x.refusal, x.lasting, x.mine);
}
template <class I>
typename I::result_type inspect(I &f, peer_news &x) {
  return f(caf::meta::type_name("peer_news"), x.what, x.peer_port);
}

} // namespace stentor::actors

// 200 ids behind the other block's first: room for it to grow.
CAF_BEGIN_TYPE_ID_BLOCK(stentor_mesh, first_custom_type_id + 200)

CAF_ADD_TYPE_ID(stentor_mesh, (stentor::actors::link_hello))
CAF_ADD_TYPE_ID(stentor_mesh, (stentor::actors::hello_answer))
CAF_ADD_TYPE_ID(stentor_mesh, (stentor::actors::peer_news))

CAF_ADD_ATOM(stentor_mesh, stentor::actors, hello_atom, "hello")
CAF_ADD_ATOM(stentor_mesh, stentor::actors, stop_atom, "stop")

CAF_END_TYPE_ID_BLOCK(stentor_mesh)

namespace stentor::actors {

/// Stands at the peer port. The only actor that other nodes find by themselves.
using peer_port_actor = caf::typed_actor<
    // May this node link to us?
    caf::replies_to<hello_atom, link_hello>::with<hello_answer>,
    // Is anybody there?
    caf::replies_to<caf::ping_atom>::with<caf::pong_atom>,
    // Can you renew your lease?
    caf::replies_to<poll_atom>::with<uint8_t>>; // a `renew_word`

/// One other incarnation: connects or waits, watches, severs.
using peer_actor = caf::typed_actor<
    // From itself; a number other than the latest counts for nothing.
    caf::reacts_to<caf::tick_atom, uint64_t>,
    // The other side said hello at our peer_port.
    caf::replies_to<hello_atom, link_hello>::with<hello_answer>,
    // A loop wants the link of this epoch to end.
    caf::reacts_to<sever_atom, uint32_t, std::string>,
    // This actor stands at our peer port from now on; null: none, and no link can begin.
    caf::reacts_to<adopt_atom, caf::strong_actor_ptr>,
    // The node left the view, or ours stops: end the link, and yourself.
    caf::reacts_to<stop_atom, bool>>;

/// Owns the peers of a node.
using mesh_actor = caf::typed_actor<
    // From the node, before the first view: our peer_port and its port.
    caf::reacts_to<adopt_atom, caf::strong_actor_ptr, uint16_t>,
    // From the node, before the first view: one more who wants the news.
    caf::reacts_to<watch_atom, caf::strong_actor_ptr>,
    // The living nodes by membership, with or without this one.
    caf::reacts_to<view_atom, std::vector<storage::lease>>,
    // A loop wants the link to an incarnation to end, if it is still the one of that epoch.
    caf::reacts_to<sever_atom, uint64_t, uint32_t, std::string>,
    // Ask all linked nodes whether they can renew; (ask, round, answers) goes back to the asker.
    caf::reacts_to<poll_atom, uint64_t>,
    // From the peer_port.
    caf::replies_to<hello_atom, link_hello>::with<hello_answer>,
    // From a peer: its link began or ended.
    caf::reacts_to<link_atom, peer_news>,
    // From itself: the peer port's actor has ended and is started again.
    caf::reacts_to<tick_atom>,
    // End all links and yourself.
    caf::reacts_to<stop_atom>>;

} // namespace stentor::actors
