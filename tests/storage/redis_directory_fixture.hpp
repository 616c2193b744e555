// SPDX-License-Identifier: Apache-2.0
// What the tests of the Redis directory share: a directory on a server, with a clock that stands still or
// Redis's own, and the scripts called by hand, as a command that comes late would.
#pragma once

#include "storage/redis_directory.hpp"

#include "tests/storage/directory_fixture.hpp"
#include "tests/storage/redis_server_fixture.hpp"

#include <cstdlib>

namespace stentor::storage::test {

inline constexpr redis_limits eager{std::chrono::milliseconds{1000}, std::chrono::milliseconds{3000},
                                    std::chrono::milliseconds{0}, std::chrono::milliseconds{0}};
inline const std::string cluster_name = "test";
inline const redis_keys keys{cluster_name};
inline constexpr directory_time far = int64_t{1} << 52; ///< a lease's end, for tests that have no lease

using test_time = std::shared_ptr<directory_time>;

inline test_time still_time() {
  return std::make_shared<directory_time>(1'700'000'000 * second_us);
}

/// By `time`, or Redis's clock where null.
inline std::unique_ptr<directory> directory_on(redis_server &server, test_time time = nullptr,
                                               redis_limits limits = eager, size_t max_events = 8192) {
  redis_options options;
  options.where = server.url();
  options.cluster = cluster_name;
  options.limits = limits;
  options.max_events = max_events;
  if (time)
    options.clock = [time] { return *time; };
  return make_redis_directory(std::move(options));
}

/// Time stands still unless moved: Redis's own clock cannot be.
class redis_provider {
public:
  /// STENTOR_LONG=1 in the environment for a run of minutes.
  static inline const uint64_t schedules = std::getenv("STENTOR_LONG") ? 200 : 8;

  redis_provider() : redis_provider{redis_server::shared()} {}
  explicit redis_provider(redis_server &server) : server_{server}, directory_{directory_on(server, now_)} {}

  directory &get() { return *directory_; }
  directory_time now() const { return *now_; }
  void move_clock(int64_t us) { *now_ += us; }
  void lose_everything() { server_.command({"FLUSHALL"}); }
  redis_server &server() { return server_; }
  test_time time() { return now_; }

private:
  redis_server &server_;
  test_time now_ = still_time();
  std::unique_ptr<directory> directory_;
};

/// One script by hand; fails the test where Redis answers an error.
inline redis_reply call_script(redis_server &server, redis_script script,
                               const std::vector<std::string> &names,
                               const std::vector<std::string> &arguments) {
  redis_connection link{server.url(), eager, redis_scripts};
  EXPECT_FALSE(link.ready());
  redis_pipeline command;
  command.eval(link.sha(static_cast<size_t>(script)), names, arguments);
  auto replies = link.run(command);
  EXPECT_TRUE(replies && !replies->at(0).is_error())
      << (replies ? replies->at(0).text : render(replies.error()));
  return replies ? std::move(replies->at(0)) : redis_reply{};
}

} // namespace stentor::storage::test
