// SPDX-License-Identifier: Apache-2.0
// One blocking connection to Redis, by hiredis 0.14 (its async API has known disconnect bugs). Owned and
// called by one thread. Connects when it is first needed and again after every failure, with a growing pause;
// nothing here blocks longer than the limits below. Sends without raising SIGPIPE (hiredis's own writes would
// end the process), so that it does not matter how the process handles that signal.
#pragma once

#include "storage/redis_pipeline.hpp"
#include "storage/redis_url.hpp"

#include <chrono>
#include <memory>

struct redisContext;

namespace stentor::storage {

struct redis_limits {
  /// Until connected, greeted and found acceptable. A host *name* is resolved by the system, whose patience
  /// comes on top: give an address where that matters.
  std::chrono::milliseconds connect_timeout{1000};
  /// For one pipeline's last reply, whatever the server dribbles.
  std::chrono::milliseconds command_timeout{3000};
  /// Between two attempts to connect; doubles up to the second.
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{2000};
};

class redis_connection {
public:
  /// `scripts`: Lua sources that each new connection loads; they outlive this object.
  redis_connection(redis_url url, redis_limits limits, std::span<const std::string_view> scripts);
  ~redis_connection();
  redis_connection(redis_connection &&) noexcept;

  /// Connected to a server that is acceptable, or why not: `errc::config` where a person has to mend
  /// something (the text says what), `errc::unavailable` where time may. Within the pause after a failed
  /// attempt the last answer at once.
  caf::error ready();

  /// Sends `commands` and answers their replies, same order and length. Scripts that the server has forgotten
  /// are loaded again and only their commands repeated. A reply may be an error of the server: see
  /// `error_of`. `errc::unavailable` where nothing was sent, `errc::timed_out` where the outcome is unknown:
  /// then the connection is dropped, so that a late reply is never taken for another's. Call `ready()` first.
  caf::expected<std::vector<redis_reply>> run(const redis_pipeline &commands);

  /// `INFO`'s run_id of the server connected to; empty before the first connection.
  const std::string &run_id() const noexcept { return run_id_; }
  /// How long that server has been up, at least; to the second.
  std::chrono::milliseconds uptime() const noexcept;
  /// What to call a script by; empty before the first connection.
  const std::string &sha(size_t script) const noexcept { return shas_[script]; }
  const redis_url &url() const noexcept { return url_; }

  /// `errc::unavailable` with the text of an error reply, nothing for any other reply.
  caf::error error_of(const redis_reply &reply) const;

private:
  struct closer {
    void operator()(redisContext *x) const noexcept;
  };
  using time_point = std::chrono::steady_clock::time_point;

  bool is_alive() const noexcept;
  caf::error connect();
  caf::error greet(time_point deadline);
  caf::error judge(const std::vector<redis_reply> &replies);
  caf::expected<std::vector<redis_reply>> exchange(const redis_pipeline &commands, time_point deadline);
  caf::error send(std::string_view bytes, time_point deadline);
  caf::error repeat_forgotten(const redis_pipeline &commands, std::vector<redis_reply> &replies,
                              time_point deadline);
  caf::error lost(std::string why);
  caf::error away(std::string why) const;
  caf::error unacceptable(std::string why) const;

  redis_url url_;
  redis_limits limits_;
  std::span<const std::string_view> scripts_;
  std::vector<std::string> shas_;
  std::string run_id_;
  std::chrono::seconds uptime_{0}; ///< when we connected
  std::chrono::steady_clock::time_point connected_at_;
  std::unique_ptr<redisContext, closer> context_;
  caf::error last_failure_;
  time_point next_attempt_{};
  std::chrono::milliseconds pause_{0};
};

} // namespace stentor::storage
