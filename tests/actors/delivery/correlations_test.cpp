// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/correlations.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds tick{100};

/// A monotonic clock reads anything, but hardly 0.
constexpr time_point start{1000h};

pending_verdict entry(time_point now, duration timeout, std::string id = "m") {
  pending_verdict result;
  result.id = std::move(id);
  result.accepted_at = now;
  result.deadline = now + timeout;
  return result;
}

std::vector<std::string> expire(correlations &all, time_point now) {
  std::vector<std::string> ids;
  all.expire(now, [&](uint64_t, pending_verdict x) { ids.push_back(x.id); });
  return ids;
}

} // namespace

TEST(correlations, closes_a_number_once) {
  correlations all{10};
  auto number = all.open(entry(start, 5s));
  ASSERT_NE(number, 0u);
  ASSERT_TRUE(all.find(number));
  EXPECT_EQ(all.find(number)->id, "m");
  auto closed = all.close(number);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->id, "m");
  EXPECT_FALSE(all.close(number));
  EXPECT_FALSE(all.find(number));
  EXPECT_EQ(all.size(), 0u);
}

TEST(correlations, gives_the_place_of_a_closed_number_another_number) {
  correlations all{1};
  auto first = all.open(entry(start, 5s));
  all.close(first);
  auto second = all.open(entry(start, 5s, "second"));
  EXPECT_NE(first, second);
  EXPECT_FALSE(all.close(first));
  EXPECT_EQ(all.close(second)->id, "second");
}

TEST(correlations, knows_no_number_it_never_gave) {
  correlations all{10};
  EXPECT_FALSE(all.find(0));
  EXPECT_FALSE(all.close(0));
  EXPECT_FALSE(all.close(~uint64_t{0}));
  auto number = all.open(entry(start, 5s));
  EXPECT_FALSE(all.close(number + 1));
  EXPECT_FALSE(all.close(number + (uint64_t{1} << 32)));
}

TEST(correlations, opens_no_more_than_its_bound) {
  correlations all{3};
  std::vector<uint64_t> open;
  for (int i = 0; i < 3; ++i)
    open.push_back(all.open(entry(start, 5s)));
  EXPECT_EQ(all.open(entry(start, 5s)), 0u);
  EXPECT_EQ(all.size(), 3u);
  all.close(open[1]);
  EXPECT_NE(all.open(entry(start, 5s)), 0u);
}

TEST(correlations, expires_after_the_deadline_and_at_most_a_tick_late) {
  correlations all{10};
  all.open(entry(start, 5s));
  EXPECT_TRUE(expire(all, start + 4999ms).empty());
  EXPECT_EQ(expire(all, start + 5s + tick).size(), 1u);
  EXPECT_TRUE(expire(all, start + 60s).empty());
}

TEST(correlations, does_not_expire_early_after_a_pause_in_which_nobody_looked) {
  correlations all{10};
  all.close(all.open(entry(start, 5s)));
  expire(all, start + 1s);
  auto later = start + 10min;
  all.open(entry(later, 5s));
  EXPECT_TRUE(expire(all, later + tick).empty());
  EXPECT_TRUE(expire(all, later + 4999ms).empty());
  EXPECT_EQ(expire(all, later + 5s + tick).size(), 1u);
}

TEST(correlations, waits_for_a_deadline_beyond_its_ring) {
  correlations all{10};
  all.open(entry(start, 3min));
  for (auto now = start; now < start + 3min; now += 1s)
    ASSERT_TRUE(expire(all, now).empty()) << (now - start) / 1s;
  EXPECT_EQ(expire(all, start + 3min + tick).size(), 1u);
}

TEST(correlations, may_be_opened_and_closed_by_whom_it_tells) {
  correlations all{10};
  auto first = all.open(entry(start, 1s, "a"));
  auto second = all.open(entry(start, 1s, "b"));
  std::vector<std::string> told;
  all.expire(start + 2s, [&](uint64_t number, pending_verdict x) {
    EXPECT_FALSE(all.close(number));
    all.close(number == first ? second : first);
    all.open(entry(start + 2s, 1s, "again"));
    told.push_back(x.id);
  });
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(expire(all, start + 4s), std::vector<std::string>{"again"});
}

TEST(correlations, agrees_with_a_map_on_any_schedule) {
  constexpr size_t most = 40;
  struct known {
    std::string id;
    time_point deadline, opened;
  };
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    auto below = [&](uint32_t n) { return static_cast<int>(random() % n); };
    correlations all{most};
    std::map<uint64_t, known> model;
    std::vector<uint64_t> given;
    std::set<uint64_t> ever;
    auto now = start + std::chrono::milliseconds{below(1000)};
    for (int step = 0; step < 1500; ++step) {
      switch (below(8)) {
      case 0:
      case 1:
      case 2: {
        auto id = std::to_string(step);
        // Mostly the timeouts of messages; some past already, some beyond the ring.
        auto timeout = std::chrono::milliseconds{below(20) == 0 ? below(120000) : below(6000) - 50};
        auto number = all.open(entry(now, timeout, id));
        ASSERT_EQ(number == 0, model.size() >= most);
        if (number == 0)
          break;
        ASSERT_TRUE(ever.insert(number).second) << "a number twice";
        given.push_back(number);
        model[number] = {id, now + timeout, now};
        break;
      }
      case 3:
      case 4: {
        if (given.empty())
          break;
        auto number = given[random() % given.size()];
        auto i = model.find(number);
        auto *found = all.find(number);
        ASSERT_EQ(found != nullptr, i != model.end());
        auto closed = all.close(number);
        ASSERT_EQ(closed.has_value(), i != model.end());
        if (!closed)
          break;
        ASSERT_EQ(closed->id, i->second.id);
        model.erase(i);
        break;
      }
      default: {
        // Turns of a busy loop, now and then one that was away or had nothing to expire.
        now += std::chrono::milliseconds{below(50) == 0 ? below(200000) : below(150)};
        if (below(4) == 0)
          break;
        all.expire(now, [&](uint64_t number, const pending_verdict &x) {
          auto i = model.find(number);
          ASSERT_TRUE(i != model.end()) << "told twice, or never opened";
          EXPECT_EQ(x.id, i->second.id);
          EXPECT_LE(i->second.deadline, now) << "told early";
          model.erase(i);
        });
        for (auto &[number, x] : model)
          ASSERT_GT(std::max(x.deadline, x.opened) + tick, now) << "told late: " << x.id;
      }
      }
      ASSERT_EQ(all.size(), model.size());
    }
  }
}
