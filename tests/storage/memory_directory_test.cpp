// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_directory.hpp"

#include "tests/storage/directory_contract.hpp"
#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/membership_contract.hpp"
#include "tests/storage/walk_contract.hpp"

namespace stentor::storage::test {
namespace {

class memory_provider {
public:
  static constexpr uint64_t schedules = 200;

  directory &get() { return *directory_; }
  directory_time now() const { return *now_; }
  void move_clock(int64_t us) { *now_ += us; }
  void lose_everything() { directory_ = make(); }

private:
  std::unique_ptr<memory_directory> make() {
    return std::make_unique<memory_directory>([now = now_] { return *now; });
  }
  std::shared_ptr<directory_time> now_ = std::make_shared<directory_time>(1'700'000'000 * second_us);
  std::unique_ptr<memory_directory> directory_ = make();
};

INSTANTIATE_TYPED_TEST_SUITE_P(memory, directory_contract, memory_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(memory, walk_contract, memory_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(memory, membership_contract, memory_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(memory, directory_schedule, memory_provider);

constexpr directory_time far = int64_t{1} << 60;

directory_clock still_clock() {
  return [] { return directory_time{1000}; };
}

TEST(memory_directory, tells_a_reader_that_fell_behind_to_start_over) {
  memory_directory dir{still_clock(), 300};
  std::string cursor;
  ASSERT_TRUE(dir.events_after(cursor, 1));
  auto slow = cursor;
  uint64_t lag = 0;
  for (uint64_t i = 1; i <= 2000; ++i) {
    ASSERT_TRUE(dir.bind({{device("d"), account("a"), at("n", 1, i), 0, far}}).at(0));
    lag += i == 1 ? 1 : 2; // online, and the offline of the one before
    if (lag < 300) {
      auto probe = slow;
      EXPECT_TRUE(dir.events_after(probe, 1)) << "the last 300 are always kept";
    }
  }
  auto behind = dir.events_after(slow, 1);
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error(), errc::not_found);
  slow.clear();
  ASSERT_TRUE(dir.events_after(slow, 1));
  ASSERT_TRUE(dir.bind({{device("e"), account("a"), at("n", 1, 1), 0, far}}).at(0));
  EXPECT_EQ(dir.events_after(slow, 10)->size(), 1u);
}

TEST(memory_directory, refuses_cursors_it_never_gave) {
  memory_directory dir{still_clock()};
  for (auto bad : {"99999", "x", "1x", "-1", "0", "18446744073709551616"}) {
    std::string cursor{bad};
    auto answer = dir.events_after(cursor, 10);
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error(), errc::not_found);
  }
}

TEST(memory_directory, keeps_events_of_the_longest_ids_apart) {
  memory_directory dir{still_clock()};
  std::string cursor;
  ASSERT_TRUE(dir.events_after(cursor, 1));
  auto d = device(std::string(max_id_bytes, 'd'));
  auto a = account(std::string(max_id_bytes, 'a'));
  auto ep = dir.bind({{d, a, at("n", 1, 1), 0, far}}).at(0)->ep;
  EXPECT_EQ(*dir.events_after(cursor, 5), (std::vector<event>{{event_kind::online, d, a, ep}}));
}

TEST(memory_directory, remembers_a_bounded_number_of_incarnations) {
  memory_directory dir{still_clock()};
  auto alive = lease{node_id::trusted("alive"), 1, 0, "", false};
  ASSERT_TRUE(dir.renew(alive, std::chrono::hours{1}));
  ASSERT_TRUE(dir.bind({{device("d"), account("a"), at("alive", 1, 1), 0, far}}).at(0));
  for (incarnation i = 1; i <= 2 * memory_directory::max_incarnations; ++i)
    dir.declare_dead(node_id::trusted("n"), i);
  EXPECT_FALSE(dir.renew({node_id::trusted("n"), 2 * memory_directory::max_incarnations, 0, "", false},
                         std::chrono::seconds{1}))
      << "the latest tombstone stays";
  EXPECT_TRUE(dir.lookup({device("d")}).at(0)->has_value());
  EXPECT_EQ(dir.renew(alive, std::chrono::hours{1})->view.size(), 1u);
}

} // namespace
} // namespace stentor::storage::test
