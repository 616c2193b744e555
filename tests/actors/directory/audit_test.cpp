// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/audit.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

const time_point t0{1h};

storage::record bind_of(const char *device, epoch ep) {
  return {device_id::trusted(device), account_id::trusted("acme"), {node_id::trusted("n"), 7, {0, 1, 2}, ep}};
}
route other(epoch ep) {
  return {node_id::trusted("m"), 8, {0, 1, 2}, ep};
}

} // namespace

TEST(audit, counts_a_disagreement_that_was_seen_twice_two_seconds_apart) {
  audit a;
  auto bind = bind_of("d", 5);
  a.look(t0, bind, hold_word::gone, bind.at);
  a.look(t0 + 1999ms, bind, hold_word::gone, bind.at);
  EXPECT_TRUE(a.take_repairs().empty());
  EXPECT_TRUE(a.due(t0 + 1999ms, 10).empty());
  EXPECT_EQ(a.due(t0 + 2s, 10).size(), 1u);
  a.look(t0 + 2s, bind, hold_word::gone, bind.at);
  auto repairs = a.take_repairs();
  ASSERT_EQ(repairs.size(), 1u);
  EXPECT_EQ(repairs[0].what, disagreement::orphan);
  EXPECT_EQ(repairs[0].bind, bind);
  EXPECT_TRUE(a.take_repairs().empty());
  EXPECT_EQ(a.suspects(), 0u);
}

TEST(audit, tells_what_is_wrong) {
  audit a;
  auto at_both = [&](epoch ep, hold_word held, const std::optional<route> &recorded) {
    auto bind = bind_of("d", ep);
    a.look(t0, bind, held, recorded);
    a.look(t0 + 3s, bind, held, recorded);
    auto repairs = a.take_repairs();
    return repairs.empty() ? std::string{} : std::string{to_string(repairs[0].what)};
  };
  EXPECT_EQ(at_both(1, hold_word::held, bind_of("d", 1).at), "");
  EXPECT_EQ(at_both(2, hold_word::gone, std::nullopt), "");
  EXPECT_EQ(at_both(3, hold_word::gone, other(9)), "");
  EXPECT_EQ(at_both(4, hold_word::gone, bind_of("d", 4).at), "orphan");
  EXPECT_EQ(at_both(5, hold_word::held, std::nullopt), "missing");
  EXPECT_EQ(at_both(6, hold_word::held, other(5)), "missing");
  EXPECT_EQ(at_both(7, hold_word::held, other(8)), "elsewhere");
  EXPECT_EQ(at_both(8, hold_word::in_transit, bind_of("d", 8).at), "");
  EXPECT_EQ(a.suspects(), 0u);
}

TEST(audit, forgets_what_mended_itself) {
  audit a;
  auto bind = bind_of("d", 5);
  a.look(t0, bind, hold_word::held, std::nullopt);
  a.look(t0 + 1s, bind, hold_word::held, bind.at);
  a.look(t0 + 3s, bind, hold_word::held, std::nullopt);
  EXPECT_TRUE(a.take_repairs().empty()) << "seen twice, but right between";
  a.look(t0 + 4s, bind, hold_word::in_transit, std::nullopt);
  a.look(t0 + 7s, bind, hold_word::held, std::nullopt);
  EXPECT_TRUE(a.take_repairs().empty());
  a.forget();
  EXPECT_EQ(a.suspects(), 0u);
}

TEST(audit, starts_over_where_the_disagreement_is_another_one) {
  audit a;
  auto bind = bind_of("d", 5);
  a.look(t0, bind, hold_word::held, std::nullopt);
  a.look(t0 + 3s, bind, hold_word::held, other(6));
  EXPECT_TRUE(a.take_repairs().empty());
  a.look(t0 + 5s, bind, hold_word::held, other(6));
  EXPECT_EQ(a.take_repairs().size(), 1u);
}

TEST(audit, shows_the_last_whole_round) {
  audit a;
  auto bind = bind_of("d", 5);
  a.look(t0, bind, hold_word::gone, bind.at);
  a.look(t0 + 2s, bind, hold_word::gone, bind.at);
  EXPECT_EQ(a.disagreements(), 0u);
  a.end_round();
  EXPECT_EQ(a.disagreements(), 1u);
  a.end_round();
  EXPECT_EQ(a.disagreements(), 0u);
}

TEST(audit, is_bounded) {
  audit a;
  for (epoch ep = 1; ep <= audit::max_suspects + 10; ++ep)
    a.look(t0, bind_of("d", ep), hold_word::held, std::nullopt);
  EXPECT_EQ(a.suspects(), audit::max_suspects);
  EXPECT_EQ(a.due(t0 + 2s, 7).size(), 7u);
}
