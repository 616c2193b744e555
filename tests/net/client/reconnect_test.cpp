// SPDX-License-Identifier: Apache-2.0
#include "net/client/reconnecting_device.hpp"

#include "tests/net/client/client_fixture.hpp"

#include <set>

namespace stentor::net::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr time_point start{};

client_end lost() {
  return {client_end::kind::lost, close_code::none, 0, 0, ""};
}
client_end closed(uint16_t code) {
  return {client_end::kind::closed, static_cast<close_code>(code), 0, 0, ""};
}
client_end refused(int status, uint32_t retry_after_s = 0) {
  return {client_end::kind::refused, close_code::none, status, retry_after_s, ""};
}

// -- the policy ----

TEST(reconnect_policy, waits_a_random_part_of_a_doubling_time_up_to_the_cap) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    reconnect_policy policy{{}, 1, seed};
    for (int ceiling : {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000}) {
      auto next = policy.on_end(lost(), start);
      ASSERT_TRUE(next) << "seed " << seed;
      EXPECT_GE(next->after, milliseconds{0}) << "seed " << seed;
      EXPECT_LE(next->after, milliseconds{ceiling}) << "seed " << seed;
    }
  }
}

TEST(reconnect_policy, spreads_a_herd_over_the_whole_time) {
  std::vector<int> tenths(10);
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    reconnect_policy policy{{}, 1, seed};
    auto after = policy.on_end(lost(), start)->after;
    ++tenths[std::min<size_t>(static_cast<size_t>(after.count()) / 50, 9)];
  }
  for (auto count : tenths) {
    EXPECT_GT(count, 120);
    EXPECT_LT(count, 280);
  }
}

TEST(reconnect_policy, never_comes_back_from_a_final_end) {
  for (auto &end : {closed(4100), closed(4101), closed(4102), closed(4103), closed(4999), refused(400),
                    refused(401), refused(403), refused(404), refused(426)}) {
    reconnect_policy policy{{}, 1, 1};
    EXPECT_FALSE(policy.on_end(end, start)) << static_cast<int>(end.code) << ' ' << end.http_status;
  }
  for (auto &end :
       {closed(1000), closed(1001), closed(1002), closed(1006), closed(4000), closed(4003), closed(4099),
        refused(408), refused(429), refused(500), refused(503), lost(), client_end{}}) {
    reconnect_policy policy{{}, 1, 1};
    EXPECT_TRUE(policy.on_end(end, start)) << static_cast<int>(end.code) << ' ' << end.http_status;
  }
}

TEST(reconnect_policy, does_not_trust_an_end_of_its_own_making) {
  auto end = lost();
  end.code = close_code::malformed; // what we closed with, not what we were told
  EXPECT_TRUE(reconnect_policy({}, 1, 1).on_end(end, start));
}

TEST(reconnect_policy, waits_at_least_the_retry_time_and_spreads_after_it) {
  std::set<milliseconds> waits;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    auto wait = reconnect_policy({}, 1, seed).on_end(refused(503, 5), start)->after;
    EXPECT_GE(wait, seconds{5});
    EXPECT_LE(wait, milliseconds{5500});
    waits.insert(wait);
  }
  EXPECT_GT(waits.size(), 20u);
  EXPECT_LE(reconnect_policy({}, 1, 1).on_end(refused(503, 4'000'000), start)->after,
            milliseconds{3'600'500});
}

TEST(reconnect_policy, waits_longer_for_an_overloaded_node) {
  auto longest = milliseconds{0};
  for (uint64_t seed = 1; seed <= 50; ++seed)
    longest = std::max(longest, reconnect_policy({}, 1, seed).on_end(closed(4003), start)->after);
  EXPECT_GT(longest, seconds{4});
  EXPECT_LE(longest, seconds{5});
}

TEST(reconnect_policy, starts_over_after_a_stable_connection_only) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    reconnect_policy policy{{}, 1, seed};
    for (int i = 0; i < 12; ++i)
      policy.on_end(lost(), start);
    policy.on_welcome(start);
    policy.on_end(lost(), start + milliseconds{59999});
    policy.on_welcome(start);
    EXPECT_LE(policy.on_end(lost(), start + seconds{60})->after, milliseconds{500}) << "seed " << seed;
  }
  auto long_wait = false;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    reconnect_policy policy{{}, 1, seed};
    for (int i = 0; i < 12; ++i)
      policy.on_end(lost(), start);
    policy.on_welcome(start);
    long_wait = long_wait || policy.on_end(lost(), start + milliseconds{59999})->after > milliseconds{500};
  }
  EXPECT_TRUE(long_wait) << "a welcome alone is no success";
}

TEST(reconnect_policy, follows_a_goaway_to_the_millisecond) {
  reconnect_policy policy{{}, 3, 1};
  EXPECT_EQ(policy.on_goaway(milliseconds{1500}, start), start + milliseconds{1500});
  EXPECT_EQ(policy.on_end(closed(1001), start + milliseconds{400})->after, milliseconds{1100});
  policy.on_goaway(milliseconds{1500}, start);
  EXPECT_EQ(policy.on_end(closed(1000), start + milliseconds{1600})->after, milliseconds{0});
  EXPECT_LE(policy.on_goaway(std::chrono::hours{24}, start), start + std::chrono::minutes{10});
}

TEST(reconnect_policy, spreads_the_devices_of_one_node_over_all_the_others) {
  std::array<int, 4> next{};
  for (uint64_t seed = 0; seed < 300; ++seed) {
    reconnect_policy policy{{}, 4, seed};
    policy.on_welcome(start);
    auto from = policy.first_address();
    ++next[(policy.on_end(lost(), start + std::chrono::hours{1})->address + 4 - from) % 4];
  }
  EXPECT_EQ(next[0], 0) << "the node that it lost";
  for (size_t i = 1; i < 4; ++i)
    EXPECT_GT(next[i], 60) << i << " further";
}

TEST(reconnect_policy, goes_round_all_addresses_beginning_anywhere) {
  std::set<size_t> firsts;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    reconnect_policy policy{{}, 3, seed};
    std::set<size_t> seen{policy.first_address()};
    firsts.insert(policy.first_address());
    seen.insert(policy.on_end(lost(), start)->address);
    seen.insert(policy.on_end(lost(), start)->address);
    EXPECT_EQ(seen, (std::set<size_t>{0, 1, 2})) << "seed " << seed;
  }
  EXPECT_EQ(firsts.size(), 3u);
}

// -- the device ----

class reconnecting_device_test : public testing::Test, public reconnecting_events {
protected:
  reconnecting_device_test() : loop_{std::move(*event_loop::make())}, clock_{*loop_}, server_{*loop_} {
    server_.on_open = [this](auto &peer) { peer.welcome("session-" + std::to_string(server_.peers.size())); };
    options_.addresses = {{server_.at(), server_.host()}};
    options_.device.encoding = format::json;
    options_.device.device = "d";
  }
  void start_device() {
    device_ = std::make_unique<reconnecting_device>(*loop_, options_, *this);
    device_->start();
    // the first attempt is due at once, but the wheel's tick has to pass
    clock_.pass(milliseconds{0});
  }
  void on_server_frame(reconnecting_device &, server_frame &&frame) override { frames_.push_back(frame); }
  void on_away(reconnecting_device &, const client_end &end, milliseconds wait) override {
    away_.push_back(end);
    waits_.push_back(wait);
  }
  void on_stopped(reconnecting_device &, const client_end &end) override { stopped_ = end; }
  bool until(const std::function<bool()> &done) { return turn_until(*loop_, done); }
  bool connected(size_t times) {
    return until([&] { return server_.peers.size() == times && device_->is_connected(); });
  }
  void wait_for_next() { clock_.pass(waits_.back()); }

  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  ws_server server_;
  reconnecting_device::options options_;
  std::unique_ptr<reconnecting_device> device_;
  std::vector<server_frame> frames_;
  std::vector<client_end> away_;
  std::vector<milliseconds> waits_;
  std::optional<client_end> stopped_;
};

TEST_F(reconnecting_device_test, resumes_its_session_after_a_loss) {
  start_device();
  ASSERT_TRUE(connected(1));
  EXPECT_EQ(server_.peers[0]->query.find("resume"), std::string::npos);
  server_.peers[0]->socket.reset();
  ASSERT_TRUE(until([this] { return !away_.empty(); }));
  EXPECT_EQ(away_[0].how, client_end::kind::lost);
  EXPECT_FALSE(device_->send({}));
  wait_for_next();
  ASSERT_TRUE(connected(2));
  EXPECT_NE(server_.peers[1]->query.find("resume=session-1"), std::string::npos) << server_.peers[1]->query;
  client_frame ask;
  ask.type = client_frame::kind::devices;
  EXPECT_TRUE(device_->send(ask));
  EXPECT_TRUE(until([this] { return server_.peers[1]->messages.size() == 1; }));
}

TEST_F(reconnecting_device_test, stops_when_superseded) {
  start_device();
  ASSERT_TRUE(connected(1));
  server_.peers[0]->socket->close(close_code::superseded, "superseded", "newer");
  ASSERT_TRUE(until([this] { return stopped_.has_value(); }));
  EXPECT_EQ(stopped_->code, close_code::superseded);
  clock_.pass(std::chrono::minutes{5});
  for (int i = 0; i < 20; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_EQ(server_.peers.size(), 1u);
}

TEST_F(reconnecting_device_test, leaves_and_comes_back_when_asked_to) {
  start_device();
  ASSERT_TRUE(connected(1));
  server_.peers[0]->goaway(800, "recycle");
  ASSERT_TRUE(until([this] { return frames_.size() == 2; }));
  for (int i = 0; i < 5; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_FALSE(server_.peers[0]->end) << "too early";
  clock_.pass(milliseconds{800});
  ASSERT_TRUE(until([this] { return !away_.empty(); }));
  EXPECT_EQ(server_.peers[0]->end->code, close_code::normal);
  clock_.pass(waits_[0]);
  EXPECT_TRUE(connected(2));
}

TEST_F(reconnecting_device_test, renews_its_token_in_place) {
  auto tokens = 0;
  options_.token = [&tokens] { return "token-" + std::to_string(++tokens); };
  start_device();
  ASSERT_TRUE(connected(1));
  EXPECT_EQ(server_.peers[0]->authorization, "Bearer token-1");
  server_.peers[0]->goaway(0, "token");
  ASSERT_TRUE(until([this] { return server_.peers[0]->messages.size() == 1; }));
  EXPECT_NE(server_.peers[0]->messages[0].find("token-2"), std::string::npos);
  clock_.pass(milliseconds{100});
  for (int i = 0; i < 5; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_TRUE(device_->is_connected());
}

TEST_F(reconnecting_device_test, keeps_its_connection_where_it_has_no_fresh_token) {
  start_device();
  ASSERT_TRUE(connected(1));
  server_.peers[0]->goaway(0, "token");
  ASSERT_TRUE(until([this] { return frames_.size() == 2; }));
  clock_.pass(milliseconds{100});
  for (int i = 0; i < 5; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_TRUE(device_->is_connected());
}

TEST_F(reconnecting_device_test, tries_the_next_address_when_one_is_gone) {
  auto gone = closed_address(*loop_);
  options_.addresses = {{gone, "gone"}, {server_.at(), server_.host()}};
  for (options_.seed = 1; reconnect_policy({}, 2, options_.seed).first_address() != 0;)
    ++options_.seed;
  start_device();
  ASSERT_TRUE(until([this] { return !away_.empty(); }));
  EXPECT_EQ(away_[0].how, client_end::kind::unreachable);
  wait_for_next();
  EXPECT_TRUE(connected(1));
}

TEST_F(reconnecting_device_test, takes_silence_beyond_a_heartbeat_for_a_dead_connection) {
  start_device();
  ASSERT_TRUE(connected(1));
  server_.peers[0]->socket->ping();
  for (int i = 0; i < 5; ++i)
    loop_->run_turn(milliseconds{1});
  clock_.pass(seconds{35});
  EXPECT_TRUE(device_->is_connected()) << "a ping is a sign of life";
  clock_.pass(seconds{36});
  ASSERT_TRUE(until([this] { return !away_.empty(); }));
  EXPECT_EQ(away_[0].how, client_end::kind::lost);
}

TEST_F(reconnecting_device_test, closes_orderly_when_stopped) {
  start_device();
  ASSERT_TRUE(connected(1));
  device_->stop();
  clock_.pass(milliseconds{0});
  ASSERT_TRUE(until([this] { return stopped_.has_value() && server_.peers[0]->end; }));
  EXPECT_TRUE(server_.peers[0]->end->handshaken);
  EXPECT_TRUE(away_.empty());
}

TEST_F(reconnecting_device_test, stops_while_it_waits) {
  options_.addresses = {{closed_address(*loop_), "gone"}};
  start_device();
  ASSERT_TRUE(until([this] { return !away_.empty(); }));
  device_->stop();
  EXPECT_FALSE(stopped_) << "not inside the call";
  clock_.pass(milliseconds{0});
  EXPECT_TRUE(stopped_);
}

} // namespace
} // namespace stentor::net::client
