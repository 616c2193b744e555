// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/lane.hpp"

#include "actors/core/lane_credit.hpp"
#include "tests/actors/sleeper.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <thread>

using namespace stentor;
using namespace stentor::actors;

// -- credit ----

TEST(lane_credit, is_refused_past_its_bytes_and_taken_again_once_given_back) {
  lane_credit credit;
  EXPECT_TRUE(credit.take(600, 1000, 100));
  EXPECT_FALSE(credit.take(401, 1000, 100));
  EXPECT_TRUE(credit.take(400, 1000, 100));
  EXPECT_FALSE(credit.take(1, 1000, 100));
  credit.give(600, 1);
  EXPECT_TRUE(credit.take(600, 1000, 100));
}

TEST(lane_credit, is_refused_past_its_messages_and_taken_again_once_given_back) {
  lane_credit credit;
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(credit.take(1, 1000, 3));
  EXPECT_FALSE(credit.take(1, 1000, 3));
  EXPECT_EQ(credit.messages(), 3u);
  credit.give(2, 2);
  EXPECT_EQ(credit.messages(), 1u);
  EXPECT_TRUE(credit.take(1, 1000, 3));
  EXPECT_TRUE(credit.take(1, 1000, 3));
  EXPECT_FALSE(credit.take(1, 1000, 3));
}

TEST(lane_credit, charges_nothing_for_what_it_refuses) {
  lane_credit credit;
  EXPECT_FALSE(credit.take(1001, 1000, 10));
  EXPECT_EQ(credit.messages(), 0u);
  EXPECT_TRUE(credit.take(1000, 1000, 10));
}

TEST(lane_credit, agrees_with_a_counter_on_any_schedule) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random{seed};
    lane_credit credit;
    std::vector<size_t> under_way;
    size_t bytes = 0;
    for (int step = 0; step < 500; ++step) {
      if (random() % 2) {
        auto size = random() % 300;
        auto fits = bytes + size <= 1000 && under_way.size() < 8;
        ASSERT_EQ(credit.take(size, 1000, 8), fits) << "seed " << seed << " step " << step;
        if (fits) {
          under_way.push_back(size);
          bytes += size;
        }
      } else if (!under_way.empty()) {
        credit.give(under_way.back(), 1);
        bytes -= under_way.back();
        under_way.pop_back();
      }
      ASSERT_EQ(credit.messages(), under_way.size()) << "seed " << seed << " step " << step;
    }
  }
}

// -- batches between threads ----

namespace {

constexpr uint16_t loops = 3;
constexpr uint64_t each = 3000; ///< messages from each loop to each other one
constexpr size_t per_turn = 7;  ///< submitted for one target in one turn
constexpr size_t most_messages = 20;
constexpr size_t most_bytes = 16 * 1024;

struct no_message {};

/// Three loops, each a source and a target, as `actors::loop` uses its lanes: items of a turn in one
/// lane_batch, credit taken by the source for data and given back by the target, markers without credit.
struct mesh {
  std::array<test::sleeper<no_message, lane_batch>, loops> at;
  std::array<lane_credit, size_t{loops} * loops> credits;
  lane_credit &credit(uint16_t from, uint16_t to) { return credits[size_t{from} * loops + to]; }
};

/// What one thread saw and did.
struct tally {
  std::map<uint16_t, uint64_t> received, last; ///< by source
  uint64_t congested = 0, out_of_order = 0, wrong_counts = 0, over_limit = 0, wrong_payloads = 0;
  size_t ended = 0; ///< sources that said how many they sent
};

void receive(mesh &m, uint16_t me, tally &seen, lane_batch &what) {
  for (auto &item : what.items)
    if (auto *x = std::get_if<items::deliver>(&item)) {
      seen.out_of_order += x->ep <= seen.last[what.from];
      seen.last[what.from] = x->ep;
      ++seen.received[what.from];
      seen.wrong_payloads += *x->what->data != "payload";
    } else if (auto *end = std::get_if<items::marker>(&item)) {
      seen.wrong_counts += end->id != seen.received[what.from];
      ++seen.ended;
    }
  m.credit(what.from, me).give(what.data_bytes, what.data_messages);
}

void run(mesh &m, uint16_t me, const payload &shared, tally &seen) {
  std::array<uint64_t, loops> sent{};
  uint64_t next = 0;
  while ((next <= each || seen.ended < loops - 1) && m.at[me].missed_wakes() == 0) {
    m.at[me].turn(
        [&](auto &batch) {
          for (auto &what : batch.batches)
            receive(m, me, seen, what);
        },
        next <= each);
    if (next > each)
      continue;
    auto until = std::min(next + per_turn, each);
    for (uint16_t to = 0; to < loops; ++to) {
      if (to == me)
        continue;
      lane_batch out;
      out.from = me;
      for (auto number = next + 1; number <= until; ++number) {
        auto e = std::make_unique<envelope>();
        e->data = shared;
        auto cost = e->cost();
        if (!m.credit(me, to).take(cost, most_bytes, most_messages)) {
          ++seen.congested;
          continue;
        }
        seen.over_limit += m.credit(me, to).messages() > most_messages;
        out.items.push_back(items::deliver{{}, number, std::move(e)});
        out.data_bytes += cost;
        ++out.data_messages;
        ++sent[to];
      }
      if (until == each)
        out.items.push_back(items::marker{{}, {}, sent[to], me, false});
      if (!out.items.empty())
        m.at[to].post(std::move(out));
    }
    next = until == each ? each + 1 : until;
  }
}

} // namespace

TEST(lane, brings_every_message_that_had_credit_in_order_between_threads) {
  mesh m;
  std::array<tally, loops> seen;
  auto shared = std::make_shared<const std::string>("payload");
  std::vector<std::thread> threads;
  for (uint16_t i = 0; i < loops; ++i)
    threads.emplace_back([&, i] { run(m, i, shared, seen[i]); });
  for (auto &thread : threads)
    thread.join();
  uint64_t received = 0, congested = 0;
  for (uint16_t i = 0; i < loops; ++i) {
    EXPECT_EQ(m.at[i].missed_wakes(), 0u) << "loop " << i;
    EXPECT_EQ(seen[i].ended, size_t{loops - 1}) << "loop " << i;
    EXPECT_EQ(seen[i].out_of_order, 0u) << "loop " << i;
    EXPECT_EQ(seen[i].wrong_counts, 0u) << "loop " << i;
    EXPECT_EQ(seen[i].over_limit, 0u) << "loop " << i;
    EXPECT_EQ(seen[i].wrong_payloads, 0u) << "loop " << i;
    congested += seen[i].congested;
    for (auto &[from, count] : seen[i].received)
      received += count;
    for (uint16_t j = 0; j < loops; ++j)
      EXPECT_EQ(m.credit(i, j).messages(), 0u) << i << " to " << j;
  }
  EXPECT_EQ(received + congested, each * loops * (loops - 1));
  EXPECT_EQ(shared.use_count(), 1);
}
