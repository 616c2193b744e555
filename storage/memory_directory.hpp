// SPDX-License-Identifier: Apache-2.0
// The directory of a single node, in this process's memory: the default, and the reference that the Redis
// directory is compared with. One caller, no locks, never blocks, never fails as a whole. Nothing survives
// the process. About 260 bytes per device whose account has no other device, with ids of 16 characters.
#pragma once

#include "storage/directory.hpp"
#include "storage/event_log.hpp"

#include <functional>
#include <map>
#include <unordered_map>

namespace stentor::storage {

/// This machine's wall clock.
directory_time wall_directory_time() noexcept;

class memory_directory final : public directory {
public:
  /// Events kept for readers that fall behind, before they are told to start over.
  static constexpr size_t default_max_events = 65536;
  /// Incarnations remembered, tombstones included; past it the longest dead one without records is forgotten.
  static constexpr size_t max_incarnations = 4096;

  explicit memory_directory(directory_clock clock = wall_directory_time,
                            size_t max_events = default_max_events);
  ~memory_directory() override;

  std::vector<result<bind_result>> bind(const std::vector<bind_request> &batch) override;
  std::vector<result<restore_result>> restore(const std::vector<restore_request> &batch) override;
  std::vector<result<bool>> unbind(const std::vector<unbind_request> &batch) override;
  std::vector<result<std::optional<record>>> lookup(const std::vector<device_id> &devices) override;
  result<std::vector<record>> devices_of(const account_id &account) override;
  /// Looks at every record: about 10 ns a device.
  result<std::vector<record>> records_in(slot first, size_t count) override;
  result<std::vector<event>> events_after(std::string &cursor, size_t most) override;
  result<renew_result> renew(const lease &mine, std::chrono::milliseconds length) override;
  result<bool> declare_dead(const node_id &node, incarnation inc) override;
  result<bool> release(const node_id &mine, incarnation inc) override;
  result<sweep_result> sweep(const node_id &node, incarnation inc, size_t batch) override;
  result<bool> notify(const node_id &node, incarnation inc, const std::vector<notice> &words) override;
  result<size_t> size() override;
  caf::error check() override { return {}; }
  const std::string &run_id() const override { return run_id_; }

private:
  struct entry;
  /// One incarnation of a node: shared by its records, so that a record does not carry the node's name.
  struct holder {
    directory_time until = 0; ///< end of its lease, 0 where it never had one
    size_t records = 0;
    bool dead = false;  ///< the tombstone
    bool swept = false; ///< dead, and no record of it can be left
    bool draining = false;
    std::string address;
    std::map<device_id, epoch> notices;
  };
  using holder_map = std::map<std::pair<node_id, incarnation>, holder>;
  /// The devices of an account, as a list through their entries.
  struct member_list {
    entry *first = nullptr;
  };
  using account_map = std::unordered_map<account_id, member_list>;
  /// A device's record. Its key in `devices_` is the device.
  struct entry {
    holder_map::value_type *at = nullptr;
    account_map::value_type *owner = nullptr;
    const device_id *device = nullptr;
    entry *previous = nullptr; ///< in the account's list
    entry *next = nullptr;
    session_ref session;
    epoch ep = 0;
  };
  using device_map = std::unordered_map<device_id, entry>;

  /// The answers of `one(request, now)`; `errc::fenced` for a request past its lease.
  template <class Answer, class Request, class One>
  std::vector<result<Answer>> write(const std::vector<Request> &batch, One one);
  static bool is_live(const holder_map::value_type &x, directory_time now) noexcept;
  static route route_of(const entry &x);
  static record record_of(const entry &x);
  static lease lease_of(const holder_map::value_type &x);
  holder_map::value_type &holder_of(const node_id &node, incarnation inc);
  bool bury(holder &x, directory_time now);
  void forget_one_incarnation();
  /// Above every epoch so far, above `floor`, and not below the clock.
  epoch fresh_epoch(epoch floor, directory_time now) const;
  void put(device_map::iterator where, const account_id &account, const route &to, epoch ep);
  void take(entry &x);
  void link(entry &x, const account_id &account);
  void unlink(entry &x);

  directory_clock clock_;
  std::string run_id_;
  holder_map holders_;
  account_map accounts_;
  device_map devices_;
  event_log events_;
  /// The highest epoch given or restored so far. Enough to keep every device's epochs growing without
  /// remembering devices that are gone: epochs follow a clock of microseconds, so one number for all runs
  /// ahead of it only while the clock is behind.
  epoch highest_ = 0;
};

} // namespace stentor::storage
