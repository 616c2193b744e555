// SPDX-License-Identifier: Apache-2.0
// The Redis directory under the contract that every directory must keep, on a real server.
#include "storage/redis_directory.hpp"

#include "tests/storage/directory_contract.hpp"
#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/membership_contract.hpp"
#include "tests/storage/redis_directory_fixture.hpp"

namespace stentor::storage::test {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, membership_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_schedule, redis_provider);

class redis_directory_test : public directory_fixture<redis_provider> {};

// -- sweeps ----

TEST_F(redis_directory_test, goes_on_with_a_sweep_whose_sweeper_died) {
  for (uint64_t i = 0; i < 50; ++i)
    bound(device("d" + std::to_string(i)), at("n1", 1, i + 1));
  pass(10s);
  ASSERT_TRUE(*dir().declare_dead(node_id::trusted("n1"), 1));
  EXPECT_EQ(*dir().sweep(node_id::trusted("n1"), 1, 20), 20u);
  auto other = directory_on(provider_.server(), provider_.time());
  auto left = other->renew({node_id::trusted("n3"), 1, 0, "", false}, 5s)->unswept;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(*other->sweep(left[0].node, left[0].inc, 1000), 30u);
  EXPECT_EQ(*other->size(), 0u);
  EXPECT_TRUE(other->renew({node_id::trusted("n3"), 1, 0, "", false}, 5s)->unswept.empty());
  EXPECT_EQ(*dir().sweep(node_id::trusted("n1"), 1, 20), 0u) << "the first one, had it only slept";
}

TEST_F(redis_directory_test, begins_a_sweep_anew_after_the_store_was_lost) {
  auto all = [&](std::string name) {
    for (uint64_t i = 0; i < 50; ++i)
      bound(device(name + std::to_string(i)), at("n1", 1, i + 1));
  };
  all("d");
  ASSERT_TRUE(release("n1", 1));
  EXPECT_EQ(*dir().sweep(node_id::trusted("n1"), 1, 40), 40u);
  provider_.lose_everything();
  all("e");
  ASSERT_TRUE(release("n1", 1));
  EXPECT_EQ(*dir().sweep(node_id::trusted("n1"), 1, 1000), 50u);
}

TEST_F(redis_directory_test, ends_no_sweep_that_began_while_binds_could_land) {
  // A sweep that the store keeps waiting: it looks at the first slots before the lease's end and at the last
  // ones more than a second after it. What landed in between must be found by another one.
  ASSERT_TRUE(release("n1", 1));
  auto ends = now() + 5 * second_us;
  redis_options options;
  options.where = provider_.server().url();
  options.cluster = cluster_name;
  auto readings = 0;
  options.clock = [&] { return readings++ == 0 ? ends - 1 : ends + 3 * second_us; };
  redis_directory slow{options};
  EXPECT_EQ(*slow.sweep(node_id::trusted("n1"), 1, 10), 0u);
  EXPECT_EQ(renew("n2", 1)->unswept.size(), 1u);
  EXPECT_EQ(*slow.sweep(node_id::trusted("n1"), 1, 10), 0u);
  EXPECT_TRUE(renew("n2", 1)->unswept.empty());
}

// -- words ----

TEST_F(redis_directory_test, gives_words_again_whose_answer_was_lost) {
  auto n1 = node_id::trusted("n1");
  ASSERT_TRUE(*dir().notify(n1, 1, {{device("d"), 7}, {device("e"), 8}}));
  // Another connection's renewal stands for one whose answer never came.
  auto lost = directory_on(provider_.server(), provider_.time())->renew({n1, 1, 0, "", false}, 5s);
  EXPECT_EQ(lost->notices.size(), 2u);
  EXPECT_EQ(renew("n1", 1)->notices.size(), 2u);
  ASSERT_TRUE(*dir().notify(n1, 1, {{device("e"), 9}})) << "between two renewals";
  EXPECT_EQ(renew("n1", 1)->notices, (std::vector<notice>{{device("e"), 9}}));
  EXPECT_TRUE(renew("n1", 1)->notices.empty());
}

TEST_F(redis_directory_test, lets_words_for_nobody_run_out) {
  ASSERT_TRUE(*dir().notify(node_id::trusted("gone"), 3, {{device("d"), 7}}));
  auto left = provider_.server().command({"PTTL", keys.words(node_id::trusted("gone"), 3)}).integer;
  EXPECT_GT(left, 3'500'000);
  EXPECT_LE(left, 3'600'000);
}

TEST_F(redis_directory_test, does_not_take_a_node_for_another_whose_name_begins_alike) {
  EXPECT_TRUE(renew("n", 1));
  EXPECT_TRUE(renew("n11", 2));
}

} // namespace
} // namespace stentor::storage::test
