// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load.hpp"

#include "tests/bench/floor_dialect.hpp"
#include "tests/bench/measure.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

namespace {

/// Connections without sockets: what they say stays in their corks.
struct load_by_hand : testing::Test {
  void connect(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
      connections.add(speaks, {});
  }
  /// Takes the oldest frame `source` said.
  std::string take(uint32_t source) {
    auto &out = connections.at(source).out;
    auto frame = out.substr(0, payload_bytes);
    out.erase(0, payload_bytes);
    return frame;
  }
  size_t said(uint32_t source) { return connections.at(source).out.size() / payload_bytes; }

  floor_dialect speaks;
  fleet connections{1};
};

} // namespace

TEST_F(load_by_hand, keeps_the_window_full_in_both_directions_of_a_pair) {
  connect(2);
  load traffic{connections, {pairs_plan(2), 3}};
  traffic.start(0);
  EXPECT_EQ(said(0), 3u);
  EXPECT_EQ(said(1), 3u);
  traffic.on_message(connections.at(1), take(0));
  EXPECT_EQ(said(0), 3u) << "the slot of the message that arrived is used again";
  traffic.stop();
  for (uint32_t i : {0u, 1u})
    while (said(i) > 0)
      traffic.on_message(connections.at(1 - i), take(i));
  EXPECT_TRUE(traffic.is_settled());
  EXPECT_TRUE(traffic.checked().is_clean());
  EXPECT_EQ(traffic.checked().arrived, 7u);
}

TEST_F(load_by_hand, counts_only_what_arrives_while_recording) {
  connect(2);
  load traffic{connections, {pairs_plan(2), 1}};
  traffic.start(0);
  traffic.on_message(connections.at(1), take(0));
  traffic.record(true);
  traffic.on_message(connections.at(1), take(0));
  traffic.record(false);
  EXPECT_EQ(traffic.figures().messages, 1u);
  EXPECT_EQ(traffic.figures().latency.count(), 1u);
}

TEST_F(load_by_hand, is_not_settled_and_finds_the_loss_while_a_message_is_missing) {
  connect(2);
  load traffic{connections, {pairs_plan(2), 1}};
  traffic.start(0);
  traffic.stop();
  traffic.on_message(connections.at(1), take(0));
  EXPECT_FALSE(traffic.is_settled());
  EXPECT_EQ(traffic.checked().lost, 1u);
}

TEST_F(load_by_hand, pushes_from_each_source_to_its_own_share_of_all_devices) {
  connect(6);
  load traffic{connections, {push_plan(4, 4, 2), 1}};
  traffic.start(0);
  std::vector<uint32_t> targets;
  for (int i = 0; i < 3; ++i) {
    auto frame = take(4);
    targets.push_back(*read_target(frame.data()));
    traffic.on_message(connections.at(targets.back()), frame);
  }
  EXPECT_EQ(targets, (std::vector<uint32_t>{0, 2, 0}));
  EXPECT_EQ(said(5), 1u) << "the other source waits for its own message";
}

TEST_F(load_by_hand, sends_at_the_fixed_rate_and_says_how_late_each_was) {
  connect(2);
  load_options wanted;
  wanted.streams = pairs_plan(2);
  wanted.rate = 1'000;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  traffic.record(true);
  EXPECT_EQ(traffic.pace(0), 1'000'000u);
  EXPECT_EQ(said(0) + said(1), 1u);
  EXPECT_EQ(traffic.pace(2'400'000), 600'000u) << "two more were due, the next is in 0.6 ms";
  EXPECT_EQ(said(0) + said(1), 3u);
  EXPECT_EQ(traffic.figures().lag.count(), 3u);
  EXPECT_NEAR(double(traffic.figures().lag.max()), 1'400'000, 1);
  // Timed from when it was due, whenever it left.
  auto last = connections.at(0).out.substr(connections.at(0).out.size() - payload_bytes);
  EXPECT_EQ(read_payload(last)->meant_ns, 2'000'000u);
}

TEST_F(load_by_hand, wants_exactly_one_written_verdict_a_message) {
  connect(2);
  load_options wanted;
  wanted.streams = pairs_plan(2);
  wanted.wants_verdict = true;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  traffic.stop();
  traffic.on_message(connections.at(1), take(0));
  traffic.on_message(connections.at(0), take(1));
  EXPECT_FALSE(traffic.is_settled());
  traffic.on_verdict(connections.at(0), 0, 0, "written");
  traffic.on_verdict(connections.at(1), 1, 0, "written");
  EXPECT_TRUE(traffic.is_settled());
  EXPECT_EQ(traffic.wrong_verdicts(), 0u);
  traffic.on_verdict(connections.at(1), 1, 0, "written");
  EXPECT_EQ(traffic.wrong_verdicts(), 1u) << "one too many";
}

TEST_F(load_by_hand, takes_any_other_verdict_as_wrong) {
  connect(2);
  load_options wanted;
  wanted.streams = pairs_plan(2);
  wanted.wants_verdict = true;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  traffic.on_verdict(connections.at(0), 0, 0, "congested");
  traffic.on_verdict(connections.at(1), 1, 0, "written");
  EXPECT_EQ(traffic.wrong_verdicts(), 1u);
  EXPECT_NE(traffic.failure().find("congested"), std::string::npos);
}

TEST_F(load_by_hand, counts_an_answer_that_is_not_written_as_wrong_and_asks_on_after_a_good_one) {
  connect(3);
  load_options wanted;
  wanted.streams = push_plan(2, 2, 1);
  wanted.answers = true;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  EXPECT_EQ(said(2), 1u);
  traffic.on_message(connections.at(0), take(2));
  EXPECT_EQ(said(2), 0u) << "the answer frees the slot, not the arrival";
  traffic.on_response(connections.at(2), 200, R"({"verdict":"written"})");
  EXPECT_EQ(said(2), 1u);
  EXPECT_EQ(traffic.wrong_verdicts(), 1u) << "one request is still open";
  traffic.stop();
  traffic.on_message(connections.at(1), take(2));
  traffic.on_response(connections.at(2), 404, R"({"verdict":"offline"})");
  EXPECT_TRUE(traffic.is_settled());
  EXPECT_EQ(traffic.wrong_verdicts(), 1u);
  EXPECT_NE(traffic.failure().find("404"), std::string::npos);
}

TEST_F(load_by_hand, demands_a_verdict_for_every_message_of_a_batch) {
  connect(5);
  load_options wanted;
  wanted.streams = push_plan(4, 4, 1);
  wanted.answers = true;
  wanted.batch = 3;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  EXPECT_EQ(said(4), 3u);
  traffic.stop();
  traffic.on_response(connections.at(4), 200, "{\"verdict\":\"written\"}\n{\"verdict\":\"written\"}\n");
  EXPECT_EQ(traffic.wrong_verdicts(), 1u);
}

TEST_F(load_by_hand, sends_one_message_a_stream_where_once_is_wanted) {
  connect(4);
  load_options wanted;
  wanted.streams = pairs_plan(4);
  wanted.rate = 1'000;
  wanted.once = true;
  load traffic{connections, std::move(wanted)};
  traffic.start(0);
  traffic.pace(60'000'000'000);
  for (uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(said(i), 1u);
}

TEST_F(load_by_hand, times_a_verdict_from_when_its_message_was_due) {
  connect(2);
  load_options wanted;
  wanted.streams = pairs_plan(2);
  wanted.rate = 1'000;
  wanted.wants_verdict = true;
  load traffic{connections, std::move(wanted)};
  auto begin = steady_ns();
  traffic.start(begin);
  traffic.record(true);
  traffic.pace(begin + 1'000'000); // due at 0 and at 1 ms, in streams 0 and 1
  traffic.on_verdict(connections.at(0), 0, 0, "written");
  auto at_most = steady_ns() - begin;
  EXPECT_EQ(traffic.figures().verdict_delay.count(), 1u);
  EXPECT_LE(traffic.figures().verdict_delay.max(), at_most);
  traffic.on_verdict(connections.at(1), 1, 0, "written");
  EXPECT_EQ(traffic.figures().verdict_delay.count(), 2u);
}
