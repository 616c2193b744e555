// SPDX-License-Identifier: Apache-2.0
// What a loop asks of the directory says until when and from when it counts (docs/decisions/0018).
#include "actors/directory/directory_client.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

namespace {

/// A node that knows the directory's clock, as those of a cluster do.
class timed_requests : public testing::Test {
protected:
  timed_requests() {
    auto ours =
        std::chrono::duration_cast<std::chrono::microseconds>(n_.context().boot_now().time_since_epoch());
    n_.context().view->clock_ahead_us = storage::wall_directory_time() - ours.count();
  }
  storage::directory_time directory_now() {
    return n_.context().view->directory_now(n_.context().boot_now());
  }

  node n_{1};
};

TEST_F(timed_requests, a_bind_that_was_overtaken_is_asked_for_again_with_a_later_time) {
  std::vector<storage::directory_time> asked_at;
  n_.troubles().on_bind = [&](auto &asked) {
    asked_at.push_back(asked.asked_at);
    leap(1ms);
    return asked_at.size() <= 2 ? fate::stale : fate::carried_out;
  };
  auto a = n_.join(0, "a");
  ASSERT_EQ(asked_at.size(), 3u);
  EXPECT_NE(asked_at[0], 0);
  EXPECT_LT(asked_at[0], asked_at[1]);
  EXPECT_LT(asked_at[1], asked_at[2]);
}

TEST_F(timed_requests, after_four_stale_answers_a_bind_says_no_time) {
  std::vector<bool> said_when;
  n_.troubles().on_bind = [&](auto &asked) {
    said_when.push_back(asked.asked_at != 0);
    return asked.asked_at != 0 ? fate::stale : fate::carried_out;
  };
  auto a = n_.join(0, "a");
  EXPECT_EQ(said_when, (std::vector<bool>{true, true, true, true, false}));
}

TEST_F(timed_requests, a_restore_that_lands_after_its_asker_gave_up_is_refused) {
  auto a = n_.join(0, "a");
  std::vector<storage::restore_request> on_its_way;
  n_.troubles().on_restore = [&](auto &asked) {
    on_its_way.push_back(asked);
    return fate::request_lost;
  };
  caf::anon_send(caf::actor_cast<caf::actor>(n_.at(0).inbox().self()), put_back_atom_v);
  n_.settle();
  ASSERT_EQ(on_its_way.size(), 1u);
  EXPECT_LT(on_its_way[0].lease_until, n_.context().lease_until());
  auto late = directory_now() + 4'000'000; // as long as a restore is waited for
  storage::memory_directory store{[&] { return late; }};
  auto said = store.restore(on_its_way).at(0);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error(), errc::fenced);
  late -= 1'000'000;
  EXPECT_TRUE(store.restore(on_its_way).at(0)) << "in time";
}

} // namespace
