// SPDX-License-Identifier: Apache-2.0
// Everything that may travel in an actor message: atoms, our structs and their CAF type ids, in one file
// because CAF 0.17 numbers them by position. Append only.
#pragma once

#include "actors/core/admin_types.hpp"
#include "cluster/ids.hpp"
#include "storage/directory.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stentor::actors {

/// What a node says when a peer asks whether it can renew its lease.
enum class renew_word : uint8_t { unknown, no, yes };

/// The directory's answer to one `bind_request`; `error` is `errc::none` where it was bound.
struct bind_answer {
  errc error = errc::none;
  epoch ep = 0;
  caf::optional<route> previous;
};

/// The directory's answer to one looked-up device; neither error nor record: no live incarnation holds it.
struct lookup_answer {
  errc error = errc::none;
  caf::optional<storage::record> found;
  /// Where nothing was found: it may only not be back in a directory that lost or lacks something.
  bool doubtful = false;
};

/// The directory's answer to one `restore_request`; `holder` where somebody else has the device.
struct restore_answer {
  errc error = errc::none;
  bool restored = false;
  epoch ep = 0; ///< where restored: of the record
  caf::optional<route> holder;
};

/// What a peer says when asked whether it can renew its lease.
struct peer_answer {
  node_id node;
  incarnation inc = 0;
  renew_word can_renew = renew_word::unknown;
};

/// One row of the actor table (`GET /v1/admin/actors`).
struct actor_info {
  std::string name;    ///< connection, session, loop_inbox, ...
  std::string subject; ///< the device for sessions, the peer's address for connections, empty otherwise
  uint16_t loop = 0;
  uint64_t id = 0;
  uint64_t handled = 0; ///< messages handled since its start
  uint32_t queued = 0;  ///< waiting now: mailbox, or unsent frames for a session
  uint32_t peak = 0;    ///< the highest `queued` ever seen
  int64_t idle_ms = 0;  ///< since the last message
};

/// What a node's actors hear when a link to another node begins or ends. Each connection between two nodes is
/// a new link epoch; the news of its end comes before the news of the next one.
struct link_news {
  node_id node;
  incarnation inc = 0;
  uint32_t link_epoch = 0;
  bool up = false;
  std::vector<caf::strong_actor_ptr> inboxes; ///< of the other node, by loop; empty where the link ended
  std::vector<caf::strong_actor_ptr> routers; ///< of the other node; a device's is slot modulo their number
  std::string reason;                         ///< why it ended, for people
  bool doubtful = false; ///< it began, and the other node does not trust what the directory lacks
};

/// The lane items of one turn from one loop for one loop of another node (actors/delivery/wire.hpp).
struct link_batch {
  incarnation from = 0;
  uint16_t from_loop = 0;
  uint32_t link_epoch = 0;
  /// Of this lane's other direction, since the link began: what the sender of this batch has handled.
  uint64_t handled_bytes = 0;
  uint64_t handled_messages = 0;
  uint32_t data_messages = 0; ///< in `items`
  uint64_t data_bytes = 0;    ///< what those are charged
  std::string items;
};

template <class I>
typename I::result_type inspect(I &f, link_news &x) {
  return f(caf::meta::type_name("link_news"), x.node, x.inc, x.link_epoch, x.up, x.inboxes, x.routers,
           x.reason, x.doubtful);
}
template <class I>
typename I::result_type inspect(I &f, link_batch &x) {
  return f(caf::meta::type_name("link_batch"), x.from, x.from_loop, x.link_epoch, x.handled_bytes,
           x.handled_messages, x.data_messages, x.data_bytes, x.items);
}
template <class I>
typename I::result_type inspect(I &f, bind_answer &x) {
  return f(caf::meta::type_name("bind_answer"), x.error, x.ep, x.previous);
}
template <class I>
typename I::result_type inspect(I &f, restore_answer &x) {
  return f(caf::meta::type_name("restore_answer"), x.error, x.restored, x.ep, x.holder);
}
template <class I>
typename I::result_type inspect(I &f, peer_answer &x) {
  return f(caf::meta::type_name("peer_answer"), x.node, x.inc, x.can_renew);
}
template <class I>
typename I::result_type inspect(I &f, lookup_answer &x) {
  return f(caf::meta::type_name("lookup_answer"), x.error, x.found, x.doubtful);
}
template <class I>
typename I::result_type inspect(I &f, actor_info &x) {
  return f(caf::meta::type_name("actor_info"), x.name, x.subject, x.loop, x.id, x.handled, x.queued, x.peak,
           x.idle_ms);
}

} // namespace stentor::actors

CAF_BEGIN_TYPE_ID_BLOCK(stentor, first_custom_type_id)

CAF_ADD_TYPE_ID(stentor, (stentor::actors::actor_info))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::actor_info>))
CAF_ADD_TYPE_ID(stentor, (stentor::device_id))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::device_id>))
CAF_ADD_TYPE_ID(stentor, (stentor::account_id))
CAF_ADD_TYPE_ID(stentor, (stentor::session_ref))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::bind_request>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::unbind_request>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::bind_answer>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::lookup_answer>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::record>))
CAF_ADD_TYPE_ID(stentor, (stentor::storage::event))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::event>))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::link_news))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::link_batch))
CAF_ADD_TYPE_ID(stentor, (stentor::node_id))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::restore_request>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::restore_answer>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::notice>))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::storage::lease>))
CAF_ADD_TYPE_ID(stentor, (stentor::storage::lease))
CAF_ADD_TYPE_ID(stentor, (stentor::storage::renew_result))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::peer_answer>))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::admin_question))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::admin_page))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::member_info>))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::loop_info))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::session_info>))
CAF_ADD_TYPE_ID(stentor, (stentor::actors::session_sample))
CAF_ADD_TYPE_ID(stentor, (std::vector<stentor::actors::hold_answer>))

CAF_ADD_ATOM(stentor, stentor::actors, bind_atom, "bind")
CAF_ADD_ATOM(stentor, stentor::actors, unbind_atom, "unbind")
CAF_ADD_ATOM(stentor, stentor::actors, lookup_atom, "lookup")
CAF_ADD_ATOM(stentor, stentor::actors, list_atom, "list")
CAF_ADD_ATOM(stentor, stentor::actors, watch_atom, "watch")
CAF_ADD_ATOM(stentor, stentor::actors, unwatch_atom, "unwatch")
CAF_ADD_ATOM(stentor, stentor::actors, event_atom, "event")
CAF_ADD_ATOM(stentor, stentor::actors, resync_atom, "resync")
CAF_ADD_ATOM(stentor, stentor::actors, count_atom, "count")
CAF_ADD_ATOM(stentor, stentor::actors, top_atom, "top")
CAF_ADD_ATOM(stentor, stentor::actors, metrics_atom, "metrics")
CAF_ADD_ATOM(stentor, stentor::actors, adopt_atom, "adopt")
CAF_ADD_ATOM(stentor, stentor::actors, drain_atom, "drain")
CAF_ADD_ATOM(stentor, stentor::actors, link_atom, "link")
CAF_ADD_ATOM(stentor, stentor::actors, batch_atom, "batch")
CAF_ADD_ATOM(stentor, stentor::actors, restore_atom, "restore")
CAF_ADD_ATOM(stentor, stentor::actors, notice_atom, "notice")
CAF_ADD_ATOM(stentor, stentor::actors, settled_atom, "settled")
CAF_ADD_ATOM(stentor, stentor::actors, view_atom, "view")
CAF_ADD_ATOM(stentor, stentor::actors, sever_atom, "sever")
CAF_ADD_ATOM(stentor, stentor::actors, tick_atom, "tick")
CAF_ADD_ATOM(stentor, stentor::actors, join_atom, "join")
CAF_ADD_ATOM(stentor, stentor::actors, dead_atom, "dead")
CAF_ADD_ATOM(stentor, stentor::actors, renew_atom, "renew")
CAF_ADD_ATOM(stentor, stentor::actors, sweep_atom, "sweep")
CAF_ADD_ATOM(stentor, stentor::actors, ask_atom, "ask")
CAF_ADD_ATOM(stentor, stentor::actors, conclude_atom, "conclude")
CAF_ADD_ATOM(stentor, stentor::actors, finish_atom, "finish")
CAF_ADD_ATOM(stentor, stentor::actors, sample_atom, "sample")
CAF_ADD_ATOM(stentor, stentor::actors, walk_atom, "walk")
CAF_ADD_ATOM(stentor, stentor::actors, held_atom, "held")
CAF_ADD_ATOM(stentor, stentor::actors, work_atom, "work")
CAF_ADD_ATOM(stentor, stentor::actors, repair_atom, "repair")
CAF_ADD_ATOM(stentor, stentor::actors, poll_atom, "poll")
CAF_ADD_ATOM(stentor, stentor::actors, members_atom, "members")
CAF_ADD_ATOM(stentor, stentor::actors, sessions_atom, "sessions")
CAF_ADD_ATOM(stentor, stentor::actors, put_back_atom, "putback")
CAF_ADD_ATOM(stentor, stentor::actors, declare_dead_atom, "declare")
CAF_ADD_ATOM(stentor, stentor::actors, admit_atom, "admit")

CAF_END_TYPE_ID_BLOCK(stentor)
