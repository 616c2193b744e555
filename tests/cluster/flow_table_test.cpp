// SPDX-License-Identifier: Apache-2.0
#include "cluster/flow_table.hpp"

#include "tests/cluster/recording_host.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace stentor {
namespace {

using test::at;
using test::message;
using test::recording_host;
using kind = resolution::kind;

/// Answers each question when the test says so.
struct asking_host : recording_host {
  std::map<std::string, uint64_t> asked;
  std::map<std::string, uint64_t> marked;
  void resolve(const device_id &device, uint64_t ticket) override { asked[device.str()] = ticket; }
  void send_marker(const route &, const device_id &device, uint64_t marker) override {
    marked[device.str()] = marker;
  }
};

struct flow_table_test : testing::Test {
  limits lim;
  asking_host host;
  flow_table table{lim};

  void send(const std::string &device, const std::string &name) { table.send(message(device, name), host); }
  void answer(const std::string &device, kind what = kind::found) {
    table.on_resolved(device_id::trusted(device), host.asked.at(device), {what, at("n", 1)}, host);
  }
  void make_direct(const std::string &device) {
    send(device, device);
    answer(device);
  }
  bool knows(const std::string &device) const { return table.find(device) != nullptr; }
};

TEST_F(flow_table_test, keeps_a_flow_for_each_device) {
  send("x", "a");
  send("y", "b");
  answer("y");
  EXPECT_EQ(host.take_log(), "b>1 ");
  answer("x");
  EXPECT_EQ(host.take_log(), "a>1 ");
  send("x", "c");
  EXPECT_EQ(host.take_log(), "c>1 ");
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.counts().hits, 1u);
  EXPECT_EQ(table.counts().misses, 2u);
}

TEST_F(flow_table_test, forgets_a_flow_that_became_idle) {
  send("x", "a");
  answer("x", kind::none);
  EXPECT_EQ(host.take_log(), "a=offline ");
  EXPECT_FALSE(knows("x"));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.busy(), 0u);
}

TEST_F(flow_table_test, counts_what_is_busy_and_what_turns) {
  make_direct("x");
  EXPECT_EQ(table.busy(), 0u);
  send("x", "a");
  table.on_stale(host.back("a"), at("n", 1), host);
  EXPECT_EQ(table.busy(), 1u);
  EXPECT_EQ(table.turning(), 1u);
  EXPECT_EQ(table.counts().turns, 1u);
  table.on_marker(device_id::trusted("x"), host.marked.at("x"), host);
  EXPECT_EQ(table.turning(), 0u);
  EXPECT_EQ(table.busy(), 1u);
  answer("x");
  EXPECT_EQ(table.busy(), 0u);
}

TEST_F(flow_table_test, settles_offline_what_comes_back_to_a_forgotten_flow) {
  table.on_stale(message("x", "a"), at("n", 1), host);
  EXPECT_EQ(host.take_log(), "a=offline ");
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(flow_table_test, ignores_answers_for_devices_it_does_not_know) {
  table.on_resolved(device_id::trusted("x"), 1, {kind::found, at("n", 1)}, host);
  table.on_marker(device_id::trusted("x"), 1, host);
  table.learn(device_id::trusted("x"), at("n", 1), host);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(flow_table_test, does_not_take_an_answer_to_an_earlier_flow_of_the_device) {
  send("x", "a");
  auto first = host.asked.at("x");
  table.learn(device_id::trusted("x"), at("n", 1), host); // the question stays open
  table.on_route_lost(1, host);                           // and the flow is forgotten
  host.take_log();
  send("x", "b");
  table.on_resolved(device_id::trusted("x"), first, {kind::none, {}}, host);
  EXPECT_EQ(host.take_log(), "");
  EXPECT_EQ(table.busy(), 1u);
}

TEST_F(flow_table_test, forgets_the_oldest_quiet_flow_when_it_is_full) {
  lim.route_cache = 3;
  for (auto *device : {"a", "b", "c", "d"})
    make_direct(device);
  EXPECT_FALSE(knows("a"));
  EXPECT_TRUE(knows("b") && knows("c") && knows("d"));
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.counts().evictions, 1u);
}

TEST_F(flow_table_test, spares_a_flow_that_was_used_again) {
  lim.route_cache = 3;
  for (auto *device : {"a", "b", "c"})
    make_direct(device);
  send("a", "again");
  make_direct("d");
  EXPECT_TRUE(knows("a"));
  EXPECT_FALSE(knows("b"));
}

TEST_F(flow_table_test, makes_room_even_where_every_flow_was_used_again) {
  lim.route_cache = 100;
  for (int i = 0; i < 100; ++i)
    make_direct(std::to_string(i));
  for (int i = 0; i < 100; ++i)
    send(std::to_string(i), "again");
  make_direct("next");
  EXPECT_EQ(table.size(), 100u);
  EXPECT_TRUE(knows("next"));
}

TEST_F(flow_table_test, never_forgets_a_flow_that_waits) {
  lim.route_cache = 2;
  send("busy", "a");
  make_direct("b");
  make_direct("c");
  make_direct("d");
  EXPECT_TRUE(knows("busy"));
  host.take_log();
  answer("busy");
  EXPECT_EQ(host.take_log(), "a>1 ");
}

TEST_F(flow_table_test, settles_congested_where_every_flow_waits) {
  lim.route_cache = 20;
  for (int i = 0; i < 20; ++i)
    send(std::to_string(i), "a");
  send("next", "b");
  EXPECT_EQ(host.take_log(), "b=congested@accepted ");
  EXPECT_EQ(table.size(), 20u);
  EXPECT_EQ(table.counts().full, 1u);
  answer("7");
  send("next", "c");
  EXPECT_TRUE(knows("next"));
  EXPECT_FALSE(knows("7"));
}

TEST_F(flow_table_test, expires_what_waits_in_any_flow) {
  make_direct("quiet");
  send("x", "a");
  send("y", "b");
  table.expire(test::start, host);
  host.take_log();
  table.expire(test::start + std::chrono::hours{1}, host);
  EXPECT_EQ(host.take_log(), "a=unreachable@directory b=unreachable@directory ");
  EXPECT_EQ(table.busy(), 2u); // their questions are still open
  answer("x", kind::none);
  answer("y");
  EXPECT_EQ(table.busy(), 0u);
  EXPECT_TRUE(knows("y"));
  EXPECT_FALSE(knows("x"));
}

TEST_F(flow_table_test, leaves_a_lost_road_with_every_flow) {
  make_direct("x");
  make_direct("y");
  table.on_route_lost(2, host);
  EXPECT_EQ(table.size(), 2u);
  table.on_route_lost(1, host);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(flow_table_test, settles_everything_when_the_loop_ends) {
  make_direct("x");
  send("y", "a");
  host.take_log();
  table.abandon(host);
  EXPECT_EQ(host.take_log(), "a=unreachable@directory ");
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.busy(), 0u);
}

/// Against a map that does the same without bounds or cleverness.
TEST_F(flow_table_test, agrees_with_a_plain_map_through_random_traffic) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random{seed};
    lim.route_cache = 50 + random() % 400;
    flow_table mine{lim, seed};
    asking_host answers;
    std::map<std::string, flow::mode> model; // busy flows only: quiet ones may be forgotten
    for (int step = 0; step < 5000; ++step) {
      auto device = "device-" + std::to_string(random() % 600);
      auto id = device_id::trusted(device);
      switch (random() % 4) {
      case 0:
      case 1: {
        auto *known = mine.find(device);
        auto is_direct = known && known->state() == flow::mode::direct;
        auto full = mine.counts().full;
        mine.send(message(device, "m"), answers);
        if (!is_direct && mine.counts().full == full)
          model[device] = flow::mode::unresolved;
        break;
      }
      case 2:
        if (model.erase(device))
          mine.on_resolved(id, answers.asked.at(device),
                           {random() % 2 ? kind::found : kind::none, at("n", 1)}, answers);
        break;
      case 3:
        if (auto *known = mine.find(device); known && known->state() == flow::mode::direct) {
          mine.on_stale(message(device, "s"), at("n", 1), answers);
          mine.on_marker(id, answers.marked.at(device), answers);
          model[device] = flow::mode::unresolved;
        }
        break;
      }
      ASSERT_LE(mine.size(), lim.route_cache) << "seed " << seed << " step " << step;
      ASSERT_EQ(mine.busy(), model.size()) << "seed " << seed << " step " << step;
    }
    for (const auto &[device, mode] : model) {
      auto *known = mine.find(device);
      ASSERT_TRUE(known) << "seed " << seed << " " << device;
      EXPECT_EQ(known->device().str(), device);
      EXPECT_EQ(known->state(), mode);
    }
  }
}

} // namespace
} // namespace stentor
