// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/round.hpp"

#include <gtest/gtest.h>

#include <array>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace stentor::bench;

namespace {

/// Is ready at once and answers whatever comes with one byte.
struct answering_dialect final : dialect {
  bool greet(connection &, std::string &) override { return true; }
  size_t consume(fleet &f, connection &c, std::string_view bytes) override {
    f.cork(c) += '!';
    return bytes.size();
  }
  void append_message(std::string &, const payload_fields &) override {}
};

/// A server's end of one connection, by hand.
struct rounds : testing::Test {
  rounds() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr *>(&any), sizeof any);
    ::listen(listener_, 8);
    address_.size = sizeof(sockaddr_in);
    ::getsockname(listener_, reinterpret_cast<sockaddr *>(&address_.storage), &address_.size);
  }
  ~rounds() override {
    ::close(peer_);
    ::close(listener_);
  }
  void connect(fleet &f) {
    f.add(speaks_, address_);
    ASSERT_TRUE(f.open(f.at(f.size() - 1)));
    while (f.ready_count() < f.size())
      f.turn(1'000'000);
    peer_ = ::accept(listener_, nullptr, nullptr);
  }
  /// A round without traffic.
  round_result run(fleet &f, std::vector<fleet *> all) {
    load traffic{f, {}};
    return run_round(f, traffic, {::getpid()}, {0, 1'000'000, false, std::move(all)});
  }

  answering_dialect speaks_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int peer_ = -1;
  stentor::net::socket_address address_;
};

} // namespace

TEST_F(rounds, answer_for_the_fleets_whose_round_it_is_not) {
  fleet busy{1}, waiting{2};
  connect(waiting);
  ::send(peer_, "?", 1, 0);
  auto done = run(busy, {&busy, &waiting});
  EXPECT_EQ(done.failure, "");
  std::array<char, 2> answer{};
  EXPECT_EQ(::recv(peer_, answer.data(), answer.size(), MSG_DONTWAIT), 1);
  EXPECT_EQ(answer[0], '!');
}

TEST_F(rounds, fail_where_a_connection_was_lost_since_the_fleets_last_round) {
  fleet waiting{2};
  connect(waiting);
  ::close(std::exchange(peer_, -1));
  EXPECT_EQ(run(waiting, {&waiting}).failure,
            "1 connections were lost before, first connection 0: closed by the server");
}
