// SPDX-License-Identifier: Apache-2.0
// What a loop's sessions and flows ask of the directory, and tell it: gathered over a turn, then one request
// a router, this node's or that of the slot's owner. Confined to the loop.
#pragma once

#include "actors/core/interfaces.hpp"
#include "actors/core/ports.hpp"
#include "actors/core/requests.hpp"
#include "actors/directory/directory_deps.hpp"
#include "cluster/slots.hpp"

#include <map>
#include <set>
#include <vector>

namespace stentor::actors {

class unsettled_records;

class directory_client {
public:
  /// The directory bounds its own work by three seconds; one more, so that its answer is told and not our
  /// guess.
  static constexpr std::chrono::milliseconds directory_timeout = binder::answer_time;

  directory_client(const directory_deps &deps, unsettled_records &unsettled)
      : host_{deps.host}, requests_{deps.requests}, sessions_{deps.sessions}, links_{deps.links},
        messages_{deps.messages}, unsettled_{unsettled} {}

  // Answers arrive in a later turn.
  /// The session hears `on_bound`. False where too many binds wait already (32 k): nothing was asked.
  [[nodiscard]] bool bind(storage::bind_request what);
  /// Repeated until the directory has taken it: a record that stays would be wrong.
  void unbind(storage::unbind_request what);
  /// Takes back a bind of a session that ended meanwhile. `previous` had the device before it, and may live.
  void undo_bind(storage::unbind_request what, const account_id &account,
                 const caf::optional<route> &previous);
  /// Takes back a bind whose answer was lost. Who had the device before it is not known: whichever session
  /// still has it, on any node, puts itself back.
  void undo_unknown_bind(storage::unbind_request what);
  /// The dispatcher hears `on_resolved`, `unknown` where the directory does not answer.
  void resolve(const device_id &device, uint64_t ticket);
  using list_handler = binder::list_handler;
  using lookup_handler = binder::lookup_handler;
  /// Answers within `most`, or after the directory's own time where that is shorter.
  /// `unavailable` where the directory came back a moment ago and may lack devices.
  void list(const account_id &account, list_handler on_answer, duration most = duration::max());
  /// The same, with what is there: for watchers, who hear of the rest as it comes.
  void list_present(const account_id &account, list_handler on_answer, duration most = duration::max());
  void lookup(const device_id &device, lookup_handler on_answer);
  /// The session gets `on_record_found`.
  void find_record(const device_id &device, const session_ref &who);
  /// The session gets `on_listed`, unless it ends before.
  void list_for(const session_ref &who, const account_id &account, listing why);
  /// Events of the account go to the session until `unwatch`. It gets `on_watch_refused` if they may not
  /// come: `overloaded` if too many watch already, or `unavailable`. The session may be entered all the same,
  /// and must be taken out.
  void watch(const account_id &account, const session_ref &who);
  void unwatch(const account_id &account, const session_ref &who);
  /// The session's `on_resync`, in a moment.
  void resync_again(const session_ref &who);

  /// Sends what the turn gathered; the loop calls it at the turn's end.
  void flush();
  void stop() { tick_.cancel(); }

private:
  /// A router: of this node (`inc` 0) or of the one that owns the slots.
  struct router_key {
    incarnation inc = 0;
    size_t index = 0;
    auto operator<=>(const router_key &) const = default;
  };
  struct batch {
    std::vector<storage::bind_request> binds;
    std::vector<storage::unbind_request> unbinds;
    std::vector<device_id> lookups;
    std::vector<uint64_t> tickets; ///< beside `lookups`
  };
  router_key own_router(slot s);
  batch &batch_for(const device_id &device);
  /// Null where the link has gone meanwhile.
  caf::strong_actor_ptr router_at(const router_key &key);
  caf::strong_actor_ptr inbox_at(const route &at);
  void send_unbinds(std::vector<storage::unbind_request> unbinds, const router_key &to);
  struct bind_try {
    bool again = false; ///< a try before this one went to another router, and its outcome is unknown
    unsigned stale = 0; ///< how often it was overtaken
    bool first() const noexcept { return !again && stale == 0; }
  };
  void send_binds(std::vector<storage::bind_request> binds, const router_key &to, bind_try how);
  void send_lookups(std::vector<device_id> devices, std::vector<uint64_t> tickets, const router_key &to);
  /// `settled_at`: when none of these binds can land any more.
  void tell_bound(std::vector<storage::bind_request> asked, const std::vector<bind_answer> *answers,
                  const router_key &to, bind_try how, time_point settled_at);
  void tell_resolved(const std::vector<device_id> &devices, const std::vector<uint64_t> &tickets,
                     const std::vector<lookup_answer> *answers);
  void unbind_again(std::vector<storage::unbind_request> unbinds);
  /// Bounds what waits for the next tick; says whether there is room for one more.
  bool has_room_for_tick(size_t waiting);
  void arm_tick();
  void ask_who_lives();
  void undo_again();
  void ask_for_resyncs();
  void on_tick();

  loop_env &host_;
  requests &requests_;
  session_table &sessions_;
  links &links_;
  dispatcher &messages_;
  unsettled_records &unsettled_;
  std::map<router_key, batch> batches_; ///< of this turn, and binds that wait
  std::set<router_key> binding_;        ///< routers with a batch of our binds under way
  // For the next tick.
  std::vector<storage::unbind_request> refused_unbinds_;
  std::vector<storage::unbind_request> unknown_binds_; ///< whose taking back was not answered
  std::vector<device_id> displaced_;                   ///< that a session somewhere may still have
  std::set<session_ref> resyncs_;
  size_t binds_waiting_ = 0;
  net::timer_for<directory_client, &directory_client::on_tick> tick_{this};
};

} // namespace stentor::actors
