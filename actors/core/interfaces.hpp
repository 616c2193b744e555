// SPDX-License-Identifier: Apache-2.0
// The typed interfaces of every ordinary actor, a comment per handler. Hosted actors (connection, session,
// loop inbox) live on event loops and are reached through `actors/delivery/lane.hpp` for data and by CAF
// messages for the rest.
#pragma once

#include "actors/core/types.hpp"

namespace stentor::actors {

/// The only caller of storage. One per node; detached where the storage blocks.
using directory_actor = caf::typed_actor<
    // Takes each device for its new route; answers in order.
    caf::replies_to<bind_atom, std::vector<storage::bind_request>>::with<std::vector<bind_answer>>,
    // Gives devices up, each only if still held with that epoch; false where some may still stand and must be
    // given up again.
    caf::replies_to<unbind_atom, std::vector<storage::unbind_request>>::with<bool>,
    // Puts back what a lost directory forgot; answers in order.
    caf::replies_to<restore_atom, std::vector<storage::restore_request>>::with<std::vector<restore_answer>>,
    // Removes what an incarnation that was declared dead has left, in batches.
    caf::reacts_to<sweep_atom, node_id, uint64_t>,
    // Leaves word for an incarnation that cannot be reached: these devices are held elsewhere.
    caf::replies_to<notice_atom, node_id, uint64_t, std::vector<storage::notice>>::with<bool>,
    // Where are these devices?
    caf::replies_to<lookup_atom, std::vector<device_id>>::with<std::vector<lookup_answer>>,
    // Which devices of this account are online?
    caf::replies_to<list_atom, account_id>::with<std::vector<storage::record>>,
    // Events are wanted from now on; answered once the stream's position is fixed.
    caf::replies_to<watch_atom>::with<bool>,
    // The records of an incarnation in (first, count) slots, valid or not.
    caf::replies_to<walk_atom, uint64_t, uint16_t, uint16_t>::with<std::vector<storage::record>>,
    // How many devices are bound? Answered behind everything that was asked before.
    caf::replies_to<count_atom>::with<uint64_t>,
    // The routers that get events, by account slot modulo their number; sent once at start.
    caf::reacts_to<adopt_atom, std::vector<caf::strong_actor_ptr>>,
    // From itself: time to ask for events that others made.
    caf::reacts_to<tick_atom>,
    // From itself: requests wait for a call to the store.
    caf::reacts_to<work_atom>>;

/// An event loop, as ordinary actors and the loops of other nodes know it. A hosted actor: it answers on its
/// loop's thread, and matches what arrives by hand (actors/loop_inbox.cpp), so that this list binds the
/// senders. Everything else it gets is an answer to a question of its loop (core/requests.hpp).
using loop_inbox_actor = caf::typed_actor<
    // -- for one session; dropped if it has ended ----
    // From a router: an event of an account that the session watches.
    caf::reacts_to<event_atom, session_ref, storage::event>,
    // From a router: events may have been lost.
    caf::reacts_to<resync_atom, session_ref>,

    // -- links ----
    // From the mesh: a link began or ended.
    caf::reacts_to<link_atom, link_news>,
    // From a loop of another node: what its turn has for the sessions of this loop. One that makes no sense
    // ends the link.
    caf::reacts_to<batch_atom, link_batch>,

    // -- from this node's membership and its node ----
    // The node is a member: devices may come.
    caf::reacts_to<join_atom>,
    // Take no devices, and ask those here to leave over the drain's time.
    caf::reacts_to<drain_atom>,
    // The drain's time is over: end the sessions that are left.
    caf::reacts_to<conclude_atom>,
    // Give every message without a verdict one; answered when all that follows is on its way.
    caf::replies_to<finish_atom>::with<bool>,
    // The directory lost something: put every bound session back.
    caf::reacts_to<put_back_atom>,
    // Others left notices for this incarnation: these devices are held elsewhere.
    caf::reacts_to<notice_atom, std::vector<storage::notice>>,
    // An incarnation has ended: nobody answers for its sessions.
    caf::reacts_to<dead_atom, uint64_t>,

    // -- repairs: from the auditor, and from loops of every node ----
    // Put the sessions of these records back, or end them; how many. No such session: none.
    caf::replies_to<repair_atom, std::vector<storage::record>>::with<uint64_t>,
    // The same for whichever sessions hold these devices.
    caf::replies_to<repair_atom, std::vector<device_id>>::with<uint64_t>,
    // Some sessions that hold their device, from a cell on; looks at 1 to 1,024 cells.
    caf::replies_to<sample_atom, uint64_t, uint32_t>::with<session_sample>,
    // What is known of these binds, each of this loop; in order.
    caf::replies_to<held_atom, std::vector<storage::record>>::with<std::vector<hold_answer>>,

    // -- from inspectors, of every node ----
    // How many connections and sessions?
    caf::replies_to<count_atom>::with<loop_info>,
    // Every session of a device, in its own words.
    caf::replies_to<sessions_atom, device_id>::with<std::vector<session_info>>,
    // The busiest `n` actors.
    caf::replies_to<top_atom, uint32_t>::with<std::vector<actor_info>>,
    // A question for this node's inspector, who answers the asker itself.
    caf::replies_to<ask_atom, admin_question>::with<admin_page>>;

/// Knows where the devices of its slots are; the serial point of their binds. Carries no data.
using router_actor = caf::typed_actor<
    // As the directory's.
    caf::replies_to<bind_atom, std::vector<storage::bind_request>>::with<std::vector<bind_answer>>,
    caf::replies_to<unbind_atom, std::vector<storage::unbind_request>>::with<bool>,
    caf::replies_to<lookup_atom, std::vector<device_id>>::with<std::vector<lookup_answer>>,
    caf::replies_to<list_atom, account_id>::with<std::vector<storage::record>>,
    // A session behind a loop inbox wants the account's events; false where too many watch already.
    caf::replies_to<watch_atom, caf::actor, account_id, session_ref>::with<bool>,
    // It no longer does.
    caf::reacts_to<unwatch_atom, caf::actor, account_id, session_ref>,
    // Events of accounts in this router's slots, from the directory.
    caf::reacts_to<event_atom, std::vector<storage::event>>,
    // An incarnation is over.
    caf::reacts_to<dead_atom, uint64_t>,
    // The directory is back, and its sessions have been put back: nothing is provisional any more.
    caf::reacts_to<settled_atom>,
    // The event stream lost its place: every watcher gets one `resync`.
    caf::reacts_to<resync_atom>>;

/// Compares live sessions with the directory, and repairs what is wrong twice.
using auditor_actor = caf::typed_actor<
    // From itself: time for the next step.
    caf::reacts_to<tick_atom>,
    // All sessions have just been put back: look at everything quickly.
    caf::reacts_to<settled_atom>>;

/// Renews the lease, declares others dead; blocks as long as the directory lets it. Errors are the
/// directory's.
using renewer_actor =
    caf::typed_actor<caf::replies_to<renew_atom, storage::lease>::with<storage::renew_result>,
                     caf::replies_to<declare_dead_atom, node_id, uint64_t>::with<bool>>;

/// Holds this node's lease and knows the others.
using membership_actor = caf::typed_actor<
    // From itself.
    caf::reacts_to<tick_atom>,
    // A link began or ended, from the mesh.
    caf::reacts_to<link_atom, link_news>,
    // What the peers answered to (poll, round), from the mesh: can they renew?
    caf::reacts_to<poll_atom, uint64_t, std::vector<peer_answer>>,
    // Every node it knows by its lease, this one included.
    caf::replies_to<members_atom>::with<std::vector<member_info>>,
    // Leave the slot view.
    caf::replies_to<drain_atom>::with<bool>>;

/// Looks inside: merges what the loops answer within a second and names those that did not.
using inspector_actor = caf::typed_actor<
    // The busiest `n` actors (1 to 1,000), most queued first, then most handled.
    caf::replies_to<top_atom, uint32_t>::with<std::vector<actor_info>>,
    // The node's metrics in the Prometheus text format.
    caf::replies_to<metrics_atom>::with<std::string>,
    // A question of the operator; also by way of a loop inbox, from another node.
    caf::replies_to<ask_atom, admin_question>::with<admin_page>,
    // From the node, once: its membership.
    caf::reacts_to<adopt_atom, caf::strong_actor_ptr>,
    // A link began or ended, from the mesh.
    caf::reacts_to<link_atom, link_news>>;

} // namespace stentor::actors
