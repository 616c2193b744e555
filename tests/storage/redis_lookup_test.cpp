// SPDX-License-Identifier: Apache-2.0
// Lookups while a device changes hands, and by Redis's own clock.
#include "storage/redis_directory.hpp"

#include "tests/storage/fake_redis.hpp"
#include "tests/storage/redis_directory_fixture.hpp"

#include <thread>

namespace stentor::storage::test {
namespace {

/// What a server says to a lookup of one device: its record, the leases, and a time nobody reads.
std::string lookup_answer(const std::string &record, std::vector<std::string> leases) {
  auto bulk = [](const std::string &x) { return "$" + std::to_string(x.size()) + "\r\n" + x + "\r\n"; };
  auto text = (record.empty() ? "$-1\r\n" : bulk(record)) + "*" + std::to_string(leases.size()) + "\r\n";
  for (auto &x : leases)
    text += bulk(x);
  return text + "*2\r\n" + bulk("1") + bulk("2");
}

std::string stored(const route &to) {
  return redis_keys::hex(to.ep) + " " + holder_text(to) + " a";
}

auto looked_up(std::vector<std::string> answers) {
  fake_redis::behaviour how;
  how.answers = std::move(answers);
  how.scripts = redis_scripts.size();
  fake_redis server{how};
  redis_options options;
  options.where = server.url();
  options.clock = [] { return directory_time{1000}; };
  return make_redis_directory(options)->lookup({device("d")}).at(0);
}

const auto held_by_1 = stored(at("n1", 1, 1, 5));
const auto held_by_2 = stored(at("n2", 1, 1, 6));

TEST(redis_lookup, believes_that_a_holder_is_dead_only_of_a_record_that_stays) {
  // n2 took over between the reading of the record and of the leases, and n1 died then: bound all the time.
  auto taken = looked_up(
      {lookup_answer(held_by_1, {"n2 1", "2000 0 0 0 "}), lookup_answer(held_by_2, {"n2 1", "2000 0 0 0 "})});
  ASSERT_TRUE(taken) << render(taken.error());
  ASSERT_TRUE(*taken);
  EXPECT_EQ((*taken)->at, at("n2", 1, 1, 6));
  auto dead = looked_up({lookup_answer(held_by_1, {"n1 1", "1000 0 0 0 "})});
  ASSERT_TRUE(dead);
  EXPECT_FALSE(*dead) << "past at that very moment";
  auto gone = looked_up({lookup_answer(held_by_1, {}), lookup_answer("", {})});
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
}

TEST(redis_lookup, is_unavailable_rather_than_wrong_where_a_record_never_rests) {
  std::vector<std::string> answers;
  for (epoch ep = 5; ep < 15; ++ep)
    answers.push_back(lookup_answer(stored(at("n1", 1, 1, ep)), {}));
  auto answer = looked_up(answers);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), errc::unavailable);
}

TEST(redis_directory_clock, is_that_of_redis_where_no_test_gives_one) {
  auto dir = directory_on(redis_server::shared());
  auto before = std::chrono::duration_cast<std::chrono::microseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  auto mine = dir->renew({node_id::trusted("n1"), 1, 0, "", false}, 300ms);
  ASSERT_TRUE(mine);
  EXPECT_NEAR(static_cast<double>(mine->now), static_cast<double>(before), 1e6);
  EXPECT_EQ(mine->until, mine->now + 300'000);
  auto d = device("d");
  ASSERT_TRUE(dir->bind({{d, account("a"), at("n1", 1, 1), 0, mine->until}}).at(0));
  EXPECT_TRUE(dir->lookup({d}).at(0)->has_value());
  EXPECT_EQ(dir->bind({{d, account("a"), at("n1", 1, 2), 0, mine->now}}).at(0).error(), errc::fenced);
  while (dir->lookup({d}).at(0)->has_value()) // until the lease has ended by the clock
    std::this_thread::sleep_for(5ms);
  EXPECT_EQ(dir->bind({{d, account("a"), at("n1", 1, 2), 0, mine->until}}).at(0).error(), errc::fenced);
  EXPECT_TRUE(dir->devices_of(account("a"))->empty());
  EXPECT_TRUE(*dir->declare_dead(node_id::trusted("n1"), 1));
}

} // namespace
} // namespace stentor::storage::test
