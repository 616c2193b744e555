// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/survivors.hpp"

#include "tests/bench/floor_dialect.hpp"
#include "tests/bench/measure.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace stentor;
using namespace stentor::bench;
using std::chrono::milliseconds;

namespace {

constexpr uint32_t device_count = 50;

/// Takes connections and says nothing; resets them where it dies.
class mute_server {
public:
  mute_server() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr *>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(fd_, 2 * device_count), 0);
    socklen_t size = sizeof any;
    ::getsockname(fd_, reinterpret_cast<sockaddr *>(&any), &size);
    address_ = *net::parse_address("127.0.0.1:" + std::to_string(ntohs(any.sin_port)));
  }
  ~mute_server() { die(); }
  void die() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  const net::socket_address &address() const { return address_; }

private:
  int fd_;
  net::socket_address address_;
};

struct survivors_of_a_server : testing::Test {
  survivors_of_a_server() {
    for (uint32_t i = 0; i < device_count; ++i)
      devices.open(devices.add(speaks, first.address()));
    turn_until([&] { return devices.ready_count() == device_count; }, nullptr);
  }
  template <class Done>
  bool turn_until(Done done, survivors *all) {
    for (auto end = steady_ns() + 10'000'000'000; !done() && steady_ns() < end;)
      devices.turn(all ? all->open_due(steady_ns(), 10'000'000) : 10'000'000);
    return done();
  }
  static survivors::backoff quick() { return {milliseconds{4}, milliseconds{50}, milliseconds{50}}; }

  floor_dialect speaks;
  mute_server first, second;
  fleet devices{1};
};

} // namespace

TEST_F(survivors_of_a_server, come_back_at_another_one_when_it_dies) {
  survivors all{devices, {second.address()}, 1, quick()};
  auto killed = steady_ns();
  first.die();
  ASSERT_TRUE(turn_until([&] { return all.away().count() == device_count; }, &all));
  EXPECT_EQ(devices.ready_count(), device_count);
  EXPECT_EQ(all.lost(), device_count);
  EXPECT_EQ(all.failed_tries(), 0u);
  EXPECT_GE(all.first_loss_ns(), killed);
  EXPECT_EQ(all.back().max(), all.last_return_ns() - all.first_loss_ns());
  EXPECT_GE(all.back().max(), all.away().max());
  EXPECT_GE(all.away().max(), all.wait().max());
}

TEST_F(survivors_of_a_server, go_on_to_the_next_server_where_one_refuses) {
  mute_server gone;
  gone.die();
  survivors all{devices, {gone.address(), second.address()}, 1, quick()};
  first.die();
  ASSERT_TRUE(turn_until([&] { return all.away().count() == device_count; }, &all));
  EXPECT_EQ(all.lost(), device_count) << "a try that failed is not another loss";
  EXPECT_GT(all.failed_tries(), 0u);
  EXPECT_LT(all.failed_tries(), device_count) << "half of them begin with the good one";
}

TEST_F(survivors_of_a_server, wait_a_random_time_up_to_the_base_before_the_first_try) {
  auto base = milliseconds{3'600'000};
  auto base_ns = static_cast<uint64_t>(std::chrono::nanoseconds{base}.count());
  survivors all{devices, {second.address()}, 1, {base, base, base}};
  first.die();
  ASSERT_TRUE(turn_until([&] { return all.lost() == device_count; }, nullptr));
  auto now = steady_ns();
  all.open_due(now + base_ns / 2, base_ns);
  EXPECT_GT(devices.under_way(), device_count / 4);
  EXPECT_LT(devices.under_way(), device_count * 3 / 4);
  all.open_due(now + base_ns, base_ns);
  EXPECT_EQ(devices.under_way(), device_count);
}

TEST_F(survivors_of_a_server, wait_at_least_as_long_as_a_refusal_asks_for) {
  survivors all{devices, {second.address()}, 1, quick()};
  auto &c = devices.at(0);
  c.said.http_status = 503;
  c.said.retry_after_s = 7;
  auto before = steady_ns();
  devices.lose(c, "refused");
  EXPECT_GE(all.open_due(before, UINT64_MAX), 7'000'000'000u);
  EXPECT_LE(all.open_due(before, UINT64_MAX), 8'000'000'000u);
}

TEST_F(survivors_of_a_server, stay_away_where_they_are_told_to) {
  survivors all{devices, {second.address()}, 1, quick()};
  auto &c = devices.at(0);
  c.said.close_code = static_cast<uint16_t>(net::close_code::superseded);
  devices.lose(c, "close 4100");
  EXPECT_EQ(all.open_due(steady_ns() + 3'600'000'000'000, 5), 5u);
  EXPECT_EQ(c.at, connection::stage::closed);
}
