// SPDX-License-Identifier: Apache-2.0
// The Redis directory's event streams: who reads them misses nothing, or is told to start over.
#include "storage/redis_directory.hpp"

#include "tests/storage/redis_directory_fixture.hpp"

#include <set>

namespace stentor::storage::test {
namespace {

class redis_events_test : public directory_fixture<redis_provider> {};

TEST_F(redis_events_test, tells_a_reader_that_fell_behind_to_start_over) {
  auto small = directory_on(provider_.server(), provider_.time(), eager, 100);
  std::string cursor;
  ASSERT_TRUE(small->events_after(cursor, 1));
  auto slow = cursor;
  uint64_t behind = 0;
  for (uint64_t i = 1; i <= 600; ++i) { // of one device, so all in one partition
    ASSERT_TRUE(small->bind({{device("d"), account("a"), at("n1", 1, i), 0, now() + second_us}}).at(0));
    behind += i == 1 ? 1 : 2;
    if (behind < 100) {
      auto probe = slow;
      EXPECT_TRUE(small->events_after(probe, 1)) << "the last 100 are always kept";
    }
  }
  auto late = small->events_after(slow, 1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), errc::not_found);
  EXPECT_LT(provider_.server()
                .command({"XLEN", keys.events(redis_keys::partition_of(slot_of(device("d"))))})
                .integer,
            300);
  slow.clear();
  ASSERT_TRUE(small->events_after(slow, 1));
  ASSERT_TRUE(small->bind({{device("e"), account("a"), at("n1", 1, 1), 0, now() + second_us}}).at(0));
  EXPECT_EQ(small->events_after(slow, 10)->size(), 1u);
}

TEST_F(redis_events_test, gives_every_event_of_many_devices_once) {
  std::set<std::string> expected, seen;
  for (uint64_t i = 0; i < 500; ++i) {
    auto d = device("d" + std::to_string(i));
    bound(d, at("n1", 1, i + 1));
    expected.insert(d.str());
  }
  for (size_t most : {1, 7, 100, 1000}) {
    auto some = dir().events_after(cursor_, most);
    ASSERT_TRUE(some);
    EXPECT_LE(some->size(), most);
    EXPECT_FALSE(some->empty());
    for (auto &x : *some)
      EXPECT_TRUE(seen.insert(x.device.str()).second);
  }
  for (auto &x : drain_events())
    EXPECT_TRUE(seen.insert(x.device.str()).second);
  EXPECT_EQ(seen, expected);
}

TEST_F(redis_events_test, tells_a_reader_that_stood_before_the_first_event_and_fell_behind) {
  auto small = directory_on(provider_.server(), provider_.time(), eager, 100);
  std::string cursor;
  ASSERT_TRUE(small->events_after(cursor, 1));
  for (uint64_t i = 1; i <= 600; ++i)
    ASSERT_TRUE(small->bind({{device("d"), account("a"), at("n1", 1, i), 0, now() + second_us}}).at(0));
  auto late = small->events_after(cursor, 1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), errc::not_found);
}

TEST_F(redis_events_test, notices_a_lost_store_by_the_cursor) {
  bound(device("d"), at("n1", 1, 1));
  drain_events();
  provider_.lose_everything();
  auto millisecond = [&] {
    auto time = provider_.server().command({"TIME"});
    return time.at(0).text + std::to_string(*from_decimal(time.at(1).text) / 1000);
  };
  for (auto before = millisecond(); millisecond() == before;)
    ; // ids are of milliseconds, and no Redis restarts within one
  auto at_once = cursor_;
  auto lost = dir().events_after(at_once, 10);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error(), errc::not_found);
  for (uint64_t i = 0; i < 50; ++i)
    bound(device("d" + std::to_string(i)), at("n1", 1, i + 1));
  EXPECT_FALSE(dir().events_after(cursor_, 10)) << "also once there are events again";
}

TEST_F(redis_events_test, refuses_cursors_it_never_gave) {
  bound(device("d"), at("n1", 1, 1));
  auto good = cursor_;
  for (const auto &bad : {std::string{"x"}, std::string{"1-1"}, good + " 1-1", std::string{"1 2 3 4 5 6 7 8"},
                          std::string{"a b c d e f g h"}, std::string(100'000, ' '), "9" + good}) {
    auto cursor = bad;
    auto answer = dir().events_after(cursor, 10);
    ASSERT_FALSE(answer) << bad.substr(0, 100);
    EXPECT_EQ(answer.error(), errc::not_found);
  }
  EXPECT_TRUE(dir().events_after(good, 10));
}

} // namespace
} // namespace stentor::storage::test
