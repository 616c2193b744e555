// SPDX-License-Identifier: Apache-2.0
// The directory: which session of which incarnation of which node holds a device. This is the interface;
// `memory_directory` serves a node alone, `redis_directory` a cluster, and one contract holds both
// (tests/storage/directory_contract.hpp). Blocking calls, one caller (the directory actor); never called from
// an event loop. Batches in, batches out, same order, same length.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/slots.hpp"

#include <caf/expected.hpp>
#include <caf/meta/type_name.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace stentor::storage {

/// A reading of the directory's own clock, microseconds since 1970. The only clock that leases and epochs
/// know.
using directory_time = int64_t;
/// Where a directory gets its time, where it is not the store's. May step back: epochs do not follow it then.
using directory_clock = std::function<directory_time()>;

/// After a lease's end nothing of its incarnation can land any more once this has passed as well.
inline constexpr directory_time sweep_margin_us = 1'000'000;

/// `bind`: take the device for `to` (its `ep` is ignored).
struct bind_request {
  device_id device;
  account_id account;
  route to;
  epoch floor = 0; ///< the highest epoch the caller has seen for the device
  /// The caller's lease end; `errc::fenced` once the directory's clock has reached it.
  directory_time lease_until = 0;
  /// When it was asked, on the directory's clock and never later than that; 0: not known. `errc::stale` where
  /// another session has the device by a later epoch: on its way the request was overtaken.
  directory_time asked_at = 0;
};

/// Idempotent on (incarnation, session_ref): repeating a bind answers the epoch it already has.
struct bind_result {
  epoch ep = 0;                  ///< max(stored + 1, clock, floor + 1), so never one seen before
  std::optional<route> previous; ///< the holder it took over from, where its incarnation still lives
};

/// `restore`: put back what a lost directory forgot. Wins over nothing or a smaller epoch, else answers the
/// holder. Repeating a restore that won answers `restored` again.
struct restore_request {
  device_id device;
  account_id account;
  route to; ///< with the epoch it holds
  directory_time lease_until = 0;
  /// The record was not lost but removed, and watchers were told: what stands from now on is a new epoch.
  bool fresh = false;
};
struct restore_result {
  bool restored = false;
  epoch ep = 0;                ///< where restored: of the record
  std::optional<route> holder; ///< where not restored: who holds it, a dead incarnation included
};

/// `unbind`: give the device up, only if it is still held with this epoch.
struct unbind_request {
  device_id device;
  epoch ep = 0;
  directory_time lease_until = 0;
};

/// What `lookup` found: the route of a live incarnation, and the account.
struct record {
  device_id device;
  account_id account;
  route at;
  friend bool operator==(const record &, const record &) = default;
};

enum class event_kind : uint8_t { online, offline };

/// One line of the event stream. Identity is (device, ep, kind): exactly one `online` and one `offline` a
/// bind.
struct event {
  event_kind kind = event_kind::online;
  device_id device;
  account_id account;
  epoch ep = 0;
  friend bool operator==(const event &, const event &) = default;
};

/// A node's lease as membership sees it.
struct lease {
  node_id node;
  incarnation inc = 0;
  directory_time until = 0;
  std::string address; ///< where peers reach it, may be empty
  bool draining = false;
};

/// Word for a session's incarnation that a newer epoch holds the device, where the direct link is cut.
struct notice {
  device_id device;
  epoch newer = 0;
  friend bool operator==(const notice &, const notice &) = default;
};
/// Words kept for one incarnation, devices counted once; past it `notify` refuses.
inline constexpr size_t max_notices = 10'000;
/// Words handed out by one `renew`.
inline constexpr size_t max_notices_a_renew = 1'000;

struct renew_result {
  directory_time now = 0;
  directory_time until = 0;
  std::vector<lease> view;    ///< every lease that is neither dead nor past, this one included
  std::vector<lease> expired; ///< past, but not declared dead: whoever may judge can do so
  std::vector<lease> unswept; ///< dead, the sweep not finished; `until` is when their last lease ends
  std::vector<notice>
      notices;        ///< for this incarnation, each handed out once; again only if an answer was lost
  std::string run_id; ///< of the store's process: another one may have lost or forgotten something
  /// How long that process has been up; never more than that.
  std::chrono::milliseconds uptime{0};
};

struct sweep_result {
  size_t removed = 0;
  bool more = false; ///< not everything was looked at yet: call again at once
};

class directory {
public:
  template <class T>
  using result = caf::expected<T>;

  virtual ~directory() = default;

  // -- devices: errors per entry `errc::fenced`; for a whole batch that never reached the store
  // `errc::unavailable`,
  //    with an unknown outcome `errc::timed_out` (then repeat it: every call is idempotent) ----
  virtual std::vector<result<bind_result>> bind(const std::vector<bind_request> &batch) = 0;
  virtual std::vector<result<restore_result>> restore(const std::vector<restore_request> &batch) = 0;
  /// True where the record was removed, false where somebody else holds the device.
  virtual std::vector<result<bool>> unbind(const std::vector<unbind_request> &batch) = 0;
  /// Nothing where no live incarnation holds the device.
  virtual std::vector<result<std::optional<record>>> lookup(const std::vector<device_id> &devices) = 0;
  /// Sorted by device; late to forget, never invents, never misses a bound device.
  virtual result<std::vector<record>> devices_of(const account_id &account) = 0;
  /// Every record of the devices in `count` slots from `first` on, of any incarnation, dead ones included; in
  /// no order. For audits: asks the store for whole slots, so a caller takes a few at a time. Slots past the
  /// last are none.
  virtual result<std::vector<record>> records_in(slot first, size_t count) = 0;

  // -- events ----
  /// Events after `cursor`, those of one device in order, at most `most`; `cursor` moves. An empty cursor
  /// starts now. Only the last events are kept: `errc::not_found` for a cursor that fell behind, then start
  /// over from the records.
  virtual result<std::vector<event>> events_after(std::string &cursor, size_t most) = 0;

  // -- membership: errors as for devices ----
  /// Takes or extends the lease, also one that is past. `errc::superseded` where the incarnation is dead,
  /// `errc::lease_held` while another incarnation of the same node holds a lease: a node started twice waits.
  virtual result<renew_result> renew(const lease &mine, std::chrono::milliseconds length) = 0;
  /// Leaves a tombstone: that incarnation can never renew, its records are invalid at once. False where it
  /// was there already. `errc::lease_held` while its lease is not past by the directory's own clock, so that
  /// no race kills a live node.
  virtual result<bool> declare_dead(const node_id &node, incarnation inc) = 0;
  /// A node gives up its own lease, whenever it ends, and is dead at once; nobody waits for it. False where
  /// it was dead already.
  virtual result<bool> release(const node_id &mine, incarnation inc) = 0;
  /// Removes up to `batch` records of a dead incarnation, with their `offline` events; none where it is not
  /// dead. Less than `batch` also where the store is slow, and the next call goes on from there. The
  /// incarnation stays `unswept` until calls that began 1 s after its lease's end, when no late bind can land
  /// behind them, have looked at everything.
  virtual result<sweep_result> sweep(const node_id &node, incarnation inc, size_t batch) = 0;
  /// Leaves word for an incarnation, handed out by its `renew`; the highest epoch counts. False, and nothing
  /// kept, where more than `max_notices` would wait. For a dead one true: nobody is left to tell.
  virtual result<bool> notify(const node_id &node, incarnation inc, const std::vector<notice> &words) = 0;

  /// How many devices are bound, for metrics; may be an estimate.
  virtual result<size_t> size() = 0;
  /// Whether the store can be used now, for readiness: nothing, or what is wrong and how to mend it.
  /// `errc::config` where only a person can mend it, else `errc::unavailable`.
  virtual caf::error check() = 0;
  /// The store's process that answered the last call, as `renew_result::run_id`; empty before the first.
  virtual const std::string &run_id() const = 0;
};

// -- inspection, for actor messages ----

template <class I>
typename I::result_type inspect(I &f, bind_request &x) {
  return f(caf::meta::type_name("bind_request"), x.device, x.account, x.to, x.floor, x.lease_until,
           x.asked_at);
}
template <class I>
typename I::result_type inspect(I &f, restore_request &x) {
  return f(caf::meta::type_name("restore_request"), x.device, x.account, x.to, x.lease_until, x.fresh);
}
template <class I>
typename I::result_type inspect(I &f, lease &x) {
  return f(caf::meta::type_name("lease"), x.node, x.inc, x.until, x.address, x.draining);
}
template <class I>
typename I::result_type inspect(I &f, unbind_request &x) {
  return f(caf::meta::type_name("unbind_request"), x.device, x.ep, x.lease_until);
}
template <class I>
typename I::result_type inspect(I &f, notice &x) {
  return f(caf::meta::type_name("notice"), x.device, x.newer);
}
template <class I>
typename I::result_type inspect(I &f, renew_result &x) {
  return f(caf::meta::type_name("renew_result"), x.now, x.until, x.view, x.expired, x.unswept, x.notices,
           x.run_id, x.uptime);
}
template <class I>
typename I::result_type inspect(I &f, record &x) {
  return f(caf::meta::type_name("record"), x.device, x.account, x.at);
}
template <class I>
typename I::result_type inspect(I &f, event &x) {
  return f(caf::meta::type_name("event"), x.kind, x.device, x.account, x.ep);
}

} // namespace stentor::storage
