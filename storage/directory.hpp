// SPDX-License-Identifier: Apache-2.0
// The directory: which session of which incarnation of which node holds a device. This is the interface;
// `memory` is its embedded twin and Redis follows, both held to tests/storage/directory_contract.hpp.
// Blocking calls, one caller (the directory actor); never called from an event loop. Batches in, batches out,
// same order, same length.
#pragma once

#include "cluster/ids.hpp"

#include <caf/expected.hpp>
#include <caf/meta/type_name.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stentor::storage {

/// A reading of the directory's own clock, microseconds since 1970. The only clock that leases and epochs
/// know.
using directory_time = int64_t;

/// `bind`: take the device for `to` (its `ep` is ignored).
struct bind_request {
  device_id device;
  account_id account;
  route to;
  epoch floor = 0; ///< the highest epoch the caller has seen for the device
  /// The caller's lease end; `errc::fenced` once the directory's clock has reached it.
  directory_time lease_until = 0;
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
};
struct restore_result {
  bool restored = false;
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
struct renew_result {
  directory_time now = 0;
  directory_time until = 0;
  std::vector<lease> view; ///< every lease that is neither dead nor past, this one included
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

  // -- events ----
  /// Events after `cursor` in order, at most `most`; `cursor` moves. An empty cursor starts now. Only the
  /// last events are kept: `errc::not_found` for a cursor that fell behind, then start over from the records.
  virtual result<std::vector<event>> events_after(std::string &cursor, size_t most) = 0;

  // -- membership ----
  /// Takes or extends the lease; `errc::superseded` where the incarnation was declared dead.
  virtual result<renew_result> renew(const lease &mine, std::chrono::milliseconds length) = 0;
  /// Leaves a tombstone: that incarnation can never renew, its records are invalid at once. False where it
  /// was there already.
  virtual result<bool> declare_dead(const node_id &node, incarnation inc) = 0;
  /// Removes up to `batch` records of an incarnation declared dead, with their `offline` events; the count
  /// removed, 0 when done. The caller waits until 1 s after the lease's end, so that no late bind lands
  /// behind it.
  virtual result<size_t> sweep(const node_id &node, incarnation inc, size_t batch) = 0;

  /// How many devices are bound, for metrics; may be an estimate.
  virtual result<size_t> size() = 0;
};

// -- inspection, for actor messages ----

template <class I>
typename I::result_type inspect(I &f, bind_request &x) {
  return f(caf::meta::type_name("bind_request"), x.device, x.account, x.to, x.floor, x.lease_until);
}
template <class I>
typename I::result_type inspect(I &f, unbind_request &x) {
  return f(caf::meta::type_name("unbind_request"), x.device, x.ep, x.lease_until);
}
template <class I>
typename I::result_type inspect(I &f, lease &x) {
  return f(caf::meta::type_name("lease"), x.node, x.inc, x.until, x.address, x.draining);
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
