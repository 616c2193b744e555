// SPDX-License-Identifier: Apache-2.0
// Everything that may travel in an actor message: atoms, our structs and their CAF type ids, in one file
// because CAF 0.17 numbers them by position. Append only.
#pragma once

#include "cluster/ids.hpp"
#include "storage/directory.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stentor::actors {

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

template <class I>
typename I::result_type inspect(I &f, bind_answer &x) {
  return f(caf::meta::type_name("bind_answer"), x.error, x.ep, x.previous);
}
template <class I>
typename I::result_type inspect(I &f, lookup_answer &x) {
  return f(caf::meta::type_name("lookup_answer"), x.error, x.found);
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
CAF_ADD_ATOM(stentor, stentor::actors, conclude_atom, "conclude")

CAF_END_TYPE_ID_BLOCK(stentor)
