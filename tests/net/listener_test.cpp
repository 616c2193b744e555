// SPDX-License-Identifier: Apache-2.0
#include "net/listener.hpp"

#include "cluster/errc.hpp"
#include "tests/net/socket_pair.hpp"

#include <vector>

#include <sys/resource.h>

namespace stentor::net {
namespace {

using std::chrono::milliseconds;

socket_address any_port() {
  return *parse_address("127.0.0.1:0");
}

int connect_to(const socket_address &address) {
  auto fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
  EXPECT_GE(fd, 0);
  auto result = ::connect(fd, address.get(), address.size);
  EXPECT_TRUE(result == 0 || errno == EINPROGRESS);
  return fd;
}

class listener_test : public testing::Test, public accept_events {
protected:
  listener_test() : loop_{std::move(*event_loop::make())}, clock_{*loop_} {}
  ~listener_test() override {
    for (auto fd : accepted_)
      close(fd);
    for (auto fd : clients_)
      close(fd);
  }

  std::unique_ptr<listener> listen(const socket_address &address = any_port()) {
    auto result = listener::make(*loop_, address, limits_, *this);
    EXPECT_TRUE(result) << (result ? "" : render(result.error()));
    return std::move(*result);
  }
  void connect(const listener &to) { clients_.push_back(connect_to(to.local_address())); }
  bool until(size_t accepted) {
    return turn_until(*loop_, [&] { return accepted_.size() >= accepted; });
  }

  void on_accepted(int fd, const socket_address &peer) override {
    accepted_.push_back(fd);
    EXPECT_TRUE(peer.is_loopback());
    EXPECT_NE(peer.port(), 0);
  }
  void on_accept_trouble(int error) override { troubles_.push_back(error); }

  limits limits_;
  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  std::vector<int> accepted_, clients_, troubles_;
};

TEST_F(listener_test, accepts_on_the_port_the_kernel_chose) {
  for (auto host : {"127.0.0.1:0", "[::1]:0", "localhost:0"}) {
    SCOPED_TRACE(host);
    accepted_.clear();
    auto l = listen(*parse_address(host));
    ASSERT_NE(l->local_address().port(), 0);
    connect(*l);
    EXPECT_TRUE(until(1));
  }
}

TEST_F(listener_test, hands_over_sockets_that_are_tuned_and_do_not_block) {
  auto l = listen();
  connect(*l);
  ASSERT_TRUE(until(1));
  auto fd = accepted_[0];
  auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
  };
  EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(SOL_SOCKET, SO_SNDBUF), 2 * limits_.send_buffer_bytes); // Linux doubles it
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), limits_.tcp_user_timeout.count());
}

TEST_F(listener_test, accepts_a_bounded_number_a_turn) {
  limits_.accepts_per_turn = 3;
  auto l = listen();
  for (int i = 0; i < 10; ++i)
    connect(*l);
  loop_->run_turn(milliseconds{100});
  EXPECT_EQ(accepted_.size(), 3u);
  loop_->run_turn(milliseconds{100});
  EXPECT_EQ(accepted_.size(), 6u);
  EXPECT_TRUE(until(10));
}

TEST_F(listener_test, leaves_connections_in_the_backlog_while_paused) {
  auto l = listen();
  l->pause();
  connect(*l);
  for (int i = 0; i < 10; ++i)
    loop_->run_turn(milliseconds{1});
  EXPECT_EQ(accepted_.size(), 0u);
  l->resume();
  EXPECT_TRUE(until(1));
}

TEST_F(listener_test, shares_its_address_with_other_loops_of_this_process) {
  auto first = listen();
  auto second_loop = std::move(*event_loop::make());
  auto second = listener::make(*second_loop, first->local_address(), limits_, *this);
  ASSERT_TRUE(second);
  for (int i = 0; i < 64; ++i)
    connect(*first);
  ASSERT_TRUE(turn_until(*loop_, [&] {
    second_loop->run_turn(milliseconds{0});
    return accepted_.size() == 64;
  }));
  EXPECT_GT(loop_->counters().accepts, 0u);
  EXPECT_GT(second_loop->counters().accepts, 0u);
}

TEST_F(listener_test, refuses_an_address_that_another_daemon_holds) {
  EXPECT_FALSE(probe_address(any_port()));
  auto l = listen();
  auto error = probe_address(l->local_address());
  ASSERT_TRUE(error);
  EXPECT_EQ(render(error), to_string(l->local_address()) + " is in use by another process");
  auto address = l->local_address();
  l.reset();
  EXPECT_FALSE(probe_address(address));
}

TEST_F(listener_test, has_an_address_again_at_once_after_connections_were_closed_on_it) {
  auto l = listen();
  connect(*l);
  ASSERT_TRUE(until(1));
  close(accepted_[0]); // our side closes first: it stays in TIME_WAIT
  accepted_.clear();
  auto address = l->local_address();
  l.reset();
  EXPECT_FALSE(probe_address(address));
  EXPECT_TRUE(listener::make(*loop_, address, limits_, *this));
}

TEST_F(listener_test, rests_when_the_process_is_out_of_descriptors_and_says_so_once) {
  auto l = listen();
  for (int i = 0; i < 3; ++i)
    connect(*l);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  auto none = before;
  none.rlim_cur = 3; // below what is open: no new descriptor is had
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  loop_->run_turn(milliseconds{100});
  for (int i = 0; i < 10; ++i)
    loop_->run_turn(milliseconds{0}); // readable all the time, yet left alone
  EXPECT_EQ(loop_->counters().accepts, 1u);
  clock_.pass(listener::rest);
  loop_->run_turn(milliseconds{100});
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(loop_->counters().accepts, 2u);
  EXPECT_EQ(l->rests(), 2u);
  EXPECT_EQ(troubles_, std::vector<int>{EMFILE});
  EXPECT_EQ(accepted_.size(), 0u);
  clock_.pass(listener::rest);
  EXPECT_TRUE(until(3));
}

// -- addresses ----

TEST(address, reads_what_it_writes) {
  for (std::string text : {"127.0.0.1:7400", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:80"}) {
    auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  EXPECT_EQ(to_string(*parse_address("localhost:1")), "127.0.0.1:1");
}

TEST(address, refuses_what_is_none) {
  for (std::string text : {"", ":", "7400", ":7400", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:1x", "127.0.0:1", "::1:80", "[::1]", "[::1]80",
                           "[1.2.3.4]:1", "[]:1", "example.org:80", "127.0.0.1: 1"}) {
    auto address = parse_address(text);
    EXPECT_FALSE(address) << text;
    if (!address) {
      EXPECT_NE(render(address.error()).find("'" + text + "'"), std::string::npos) << render(address.error());
    }
  }
}

TEST(address, knows_the_loopback) {
  for (auto text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "localhost:1", "[::ffff:127.0.0.1]:1"})
    EXPECT_TRUE(is_loopback(text)) << text;
  for (auto text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", "[::ffff:10.0.0.1]:1", "rubbish"})
    EXPECT_FALSE(is_loopback(text)) << text;
}

} // namespace
} // namespace stentor::net
