// SPDX-License-Identifier: Apache-2.0
// The Redis directory under the contract that every directory must keep, on a real server.
#include "storage/redis_directory.hpp"

#include "tests/storage/directory_contract.hpp"
#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/membership_contract.hpp"
#include "tests/storage/redis_server_fixture.hpp"

namespace stentor::storage::test {
namespace {

class redis_provider {
public:
  static constexpr uint64_t schedules = 20;

  redis_provider() { lose_everything(); }
  directory &get() { return directory_; }
  directory_time now() { return now_; }
  void move_clock(int64_t us) { now_ += us; }
  void lose_everything() { redis_server::shared().command({"FLUSHALL"}); }

private:
  directory_time now_ = 1'700'000'000 * second_us;
  redis_directory directory_{[this] {
    redis_options options;
    options.where = redis_server::shared().url();
    options.cluster = "test";
    options.clock = [this] { return now_; };
    return options;
  }()};
};

INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, membership_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_schedule, redis_provider);

} // namespace
} // namespace stentor::storage::test
