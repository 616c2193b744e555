// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/provisional_binds.hpp"

#include <gtest/gtest.h>

namespace stentor::actors {
namespace {

storage::bind_request request(const std::string &device, incarnation inc, uint64_t generation,
                              epoch floor = 0) {
  return {device_id::trusted(device),
          account_id::trusted("acme"),
          {node_id::trusted("n"), inc, {0, 1, generation}, 0},
          floor,
          0};
}

TEST(provisional_binds, finds_what_was_bound_and_nothing_else) {
  provisional_binds table;
  auto answer = table.bind(request("d", 1, 1), 1000);
  EXPECT_EQ(answer.error, errc::none);
  EXPECT_EQ(answer.ep, 1000u);
  EXPECT_FALSE(answer.previous);
  auto found = table.find(device_id::trusted("d"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at.ep, 1000u);
  EXPECT_EQ(found->account.str(), "acme");
  EXPECT_FALSE(table.find(device_id::trusted("other")));
}

TEST(provisional_binds, gives_a_repeated_bind_its_epoch_again) {
  provisional_binds table;
  auto first = table.bind(request("d", 1, 1), 1000);
  auto again = table.bind(request("d", 1, 1), 2000);
  EXPECT_EQ(again.ep, first.ep);
  EXPECT_FALSE(again.previous);
}

TEST(provisional_binds, a_takeover_names_the_holder_and_exceeds_every_epoch_known) {
  provisional_binds table;
  table.bind(request("d", 1, 1), 5000);
  auto next = table.bind(request("d", 2, 7), 10); // a clock that is behind
  ASSERT_TRUE(next.previous);
  EXPECT_EQ(next.previous->inc, 1u);
  EXPECT_EQ(next.ep, 5001u);
  EXPECT_EQ(table.bind(request("d", 3, 9, 9000), 10).ep, 9001u) << "above the floor the caller names";
}

TEST(provisional_binds, an_unbind_of_an_older_epoch_removes_nothing) {
  provisional_binds table;
  auto first = table.bind(request("d", 1, 1), 10);
  auto next = table.bind(request("d", 2, 1), 20);
  table.unbind({device_id::trusted("d"), first.ep, 0});
  EXPECT_TRUE(table.find(device_id::trusted("d")));
  table.unbind({device_id::trusted("d"), next.ep, 0});
  EXPECT_TRUE(table.empty());
}

TEST(provisional_binds, forgets_what_the_directory_has_overtaken_and_the_dead) {
  provisional_binds table;
  auto bound = table.bind(request("d", 1, 1), 10);
  table.forget(device_id::trusted("d"), bound.ep - 1);
  EXPECT_EQ(table.size(), 1u);
  table.forget(device_id::trusted("d"), bound.ep);
  EXPECT_TRUE(table.empty());
  table.bind(request("d", 1, 1), 10);
  table.bind(request("e", 2, 1), 10);
  table.forget(incarnation{1});
  EXPECT_FALSE(table.find(device_id::trusted("d")));
  EXPECT_TRUE(table.find(device_id::trusted("e")));
}

TEST(provisional_binds, refuses_past_its_bound_but_not_those_it_knows) {
  provisional_binds table;
  for (size_t i = 0; i < provisional_binds::most; ++i)
    ASSERT_EQ(table.bind(request("d" + std::to_string(i), 1, 1), 10).error, errc::none);
  EXPECT_EQ(table.bind(request("one-more", 1, 1), 10).error, errc::overloaded);
  EXPECT_EQ(table.bind(request("d0", 2, 1), 10).error, errc::none);
}

} // namespace
} // namespace stentor::actors
