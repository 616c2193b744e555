// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/fanout.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace stentor;
using namespace stentor::actors;

namespace {

copy_verdict copy(const std::string &device, verdict v, stage at = stage::accepted) {
  copy_verdict result{device, {}};
  result.result.what = v;
  result.result.at = at;
  result.result.by = {node_id::trusted("n"), 7};
  return result;
}

/// docs/protocol.md#verdicts, worst first.
constexpr std::array worst_first{verdict::unreachable, verdict::congested, verdict::limited,
                                 verdict::refused,     verdict::expired,   verdict::invalid,
                                 verdict::offline,     verdict::duplicate, verdict::stored,
                                 verdict::written,     verdict::acked};

} // namespace

TEST(worst_of, knows_every_verdict) {
  for (size_t i = 0; i < verdict_count; ++i)
    EXPECT_EQ(std::ranges::count(worst_first, static_cast<verdict>(i)), 1) << i;
}

TEST(worst_of, two_copies_is_the_worse_in_either_order) {
  for (size_t a = 0; a < worst_first.size(); ++a)
    for (size_t b = 0; b < worst_first.size(); ++b)
      EXPECT_EQ(worst_of({copy("a", worst_first[a]), copy("b", worst_first[b])}).what,
                worst_first[std::min(a, b)])
          << to_string(worst_first[a]) << " " << to_string(worst_first[b]);
}

TEST(worst_of, no_copy_is_offline) {
  EXPECT_EQ(worst_of({}).what, verdict::offline);
}

TEST(worst_of, keeps_the_stage_of_the_worst_copy) {
  auto result = worst_of(
      {copy("a", verdict::written), copy("b", verdict::unreachable, stage::sent), copy("c", verdict::acked)});
  EXPECT_EQ(result.what, verdict::unreachable);
  EXPECT_EQ(result.at, stage::sent);
}

TEST(worst_of, names_no_connection_since_there_is_one_a_copy) {
  auto result = worst_of({copy("a", verdict::written), copy("b", verdict::written)});
  EXPECT_EQ(result.what, verdict::written);
  EXPECT_EQ(result.by, via{});
}
