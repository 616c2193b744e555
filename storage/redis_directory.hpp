// SPDX-License-Identifier: Apache-2.0
// The directory in Redis, for nodes that share it: docs/directory.md has its keys and scripts. One caller;
// every call blocks for at most the command timeout per pipeline. Connects when first used, and again after
// failures.
#pragma once

#include "storage/directory.hpp"
#include "storage/redis_connection.hpp"
#include "storage/redis_records.hpp"
#include "storage/redis_scripts.hpp"

#include <functional>
#include <map>
#include <memory>
#include <span>

namespace stentor::storage {

struct redis_options {
  redis_url where;
  std::string cluster; ///< in front of every key
  redis_limits limits;
  /// Events kept a partition for readers that fall behind; Redis keeps up to a hundred more.
  size_t max_events = 8192;
  /// A sweep sends no more pipelines once a call has taken so long: who shares the connection waits for it.
  std::chrono::milliseconds sweep_time{100};
  /// In place of the store's own clock, which tests cannot move.
  directory_clock clock;
};

class redis_directory final : public directory {
public:
  explicit redis_directory(redis_options options);
  ~redis_directory() override;

  std::vector<result<bind_result>> bind(const std::vector<bind_request> &batch) override;
  std::vector<result<restore_result>> restore(const std::vector<restore_request> &batch) override;
  std::vector<result<bool>> unbind(const std::vector<unbind_request> &batch) override;
  std::vector<result<std::optional<record>>> lookup(const std::vector<device_id> &devices) override;
  result<std::vector<record>> devices_of(const account_id &account) override;
  result<std::vector<record>> records_in(slot first, size_t count) override;
  result<std::vector<event>> events_after(std::string &cursor, size_t most) override;
  result<renew_result> renew(const lease &mine, std::chrono::milliseconds length) override;
  result<bool> declare_dead(const node_id &node, incarnation inc) override;
  result<bool> release(const node_id &mine, incarnation inc) override;
  result<sweep_result> sweep(const node_id &node, incarnation inc, size_t batch) override;
  result<bool> notify(const node_id &node, incarnation inc, const std::vector<notice> &words) override;
  /// At most a second old.
  result<size_t> size() override;
  caf::error check() override { return connection_.ready(); }
  const std::string &run_id() const override { return connection_.run_id(); }

private:
  using replies = std::vector<redis_reply>;
  /// Leases as of one reading of the store's clock.
  struct live_view {
    directory_time now = 0;
    std::map<std::pair<node_id, incarnation>, redis_lease> known;
    bool is_live(const route &at) const;
  };

  /// Connected; what a person has to mend is `errc::unavailable` for all calls but `check`.
  caf::error usable();
  std::string clock_text() const;
  void eval(redis_pipeline &to, redis_script script, std::span<const std::string> keys,
            std::span<const std::string> arguments);
  void ask_view(redis_pipeline &to) const;
  directory_time time_from(const redis_reply &time) const;
  live_view view_from(const redis_reply &leases, const redis_reply &time) const;
  caf::expected<replies> run(const redis_pipeline &commands);
  result<bool> bury(const node_id &node, incarnation inc, bool forced);
  caf::error refusal_of(const redis_reply &reply) const;

  /// What a script that writes one record answered.
  template <class Answer>
  struct put_record {
    result<Answer> answer;
    std::optional<size_t> index_entry; ///< which of its values the index needs; none if nothing was written
    std::optional<redis_record> old;   ///< what stood there before
  };
  /// Such a script: bind or restore.
  template <class Answer, class Request>
  struct record_script {
    redis_script script{};
    bool wants_view = false; ///< of the leases, read in the same pipeline
    epoch (*epoch_of)(const Request &) = nullptr;
    std::string (*last_argument)(const Request &) = nullptr;
    std::function<put_record<Answer>(const Request &, const redis_reply &, const live_view &)> read;
  };
  template <class Answer, class Request>
  std::vector<result<Answer>> put_records(const std::vector<Request> &batch,
                                          const record_script<Answer, Request> &how);
  caf::error lookup_some(std::span<const device_id> part,
                         std::vector<result<std::optional<record>>> &answers);

  // -- accounts' index (redis_index.cpp) ----
  using removed_record = std::pair<device_id, redis_record>;
  /// Entries whose number is not above every epoch given before their record.
  struct overtaken_entry {
    size_t answer;
    account_id account;
    device_id device;
    epoch least;
  };
  using overtaken_entries = std::vector<overtaken_entry>;
  /// An entry as a reader saw it, to whose number no record was found.
  struct stray_entry {
    account_id account;
    device_id device;
    std::string number;
  };
  void index_before(redis_pipeline &to, const account_id &account, const device_id &device,
                    directory_time lease_until);
  static void note_overtaken(overtaken_entries &to, size_t answer, const account_id &account,
                             const device_id &device, const redis_reply &entry, const redis_reply &highest);
  caf::error raise(const overtaken_entries &entries);
  void unindex(const std::vector<removed_record> &removed);
  void repair(std::span<const stray_entry> entries);

  /// Where a sweep stands. A walk around all slots may take many calls.
  struct sweep_walk {
    size_t at = 0;            ///< the slot at which it goes on
    size_t done = 0;          ///< slots before it in which nothing was left
    std::string began;        ///< by the store's clock
    directory_time until = 0; ///< the lease's end in the tombstone: another one is another walk's
  };
  /// The next slots in one pipeline, up to `most` records.
  caf::error sweep_some(const node_id &node, incarnation inc, size_t most, sweep_walk &walk,
                        std::vector<removed_record> &removed);
  /// Splits `batch` into pipelines; `one` makes and reads them, `fail` fills in where one could not run.
  template <class Request, class One>
  void in_pipelines(const std::vector<Request> &batch, size_t most, One one);

  redis_options options_;
  redis_keys keys_;
  redis_connection connection_;
  std::map<std::pair<node_id, incarnation>, sweep_walk> sweeps_;
  /// Words that the last renewal answered: the next one says that they have arrived. One entry a caller's
  /// own incarnation.
  std::map<std::pair<node_id, incarnation>, std::vector<notice>> heard_;
  size_t size_ = 0;
  std::chrono::steady_clock::time_point size_read_{};
};

/// Never fails for a server that is away: `check` tells.
std::unique_ptr<directory> make_redis_directory(redis_options options);

} // namespace stentor::storage
