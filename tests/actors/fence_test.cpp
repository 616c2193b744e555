// SPDX-License-Identifier: Apache-2.0
// A node whose lease has ended, or that was away: nothing leaves it until the directory was asked, and what
// was there before is not lost.
#include "actors/loop.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json message(const std::string &id, const std::string &to, const json &data) {
  return {{"t", "send"}, {"id", id}, {"to", to}, {"data", data}};
}

class fence : public testing::Test {
protected:
  void fence_now() { n_.context().view->lease.revoke(); }
  void renew() { n_.context().view->lease.publish(boot_time::max(), boot_time::max()); }

  world world_;
  node n_{world_, "node-a", 101, 2};
};

TEST_F(fence, nothing_is_written_and_no_verdict_said_without_a_lease) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  a->send(message("1", "b", 1));
  fence_now();
  n_.settle();
  a->read();
  b->read();
  EXPECT_TRUE(b->data().empty());
  EXPECT_EQ(a->verdicts_of("1"), 0u);
}

TEST_F(fence, a_loop_that_turned_before_the_first_lease_does_not_take_it_for_a_return) {
  auto &ctx = n_.context();
  auto lease_end = ctx.view->lease_end.exchange(0); // nothing was granted yet
  fence_now();
  for (int i = 0; i < 20; ++i) {
    leap(200ms);
    n_.settle();
  }
  auto now = ctx.boot_now();
  ctx.view->lease.publish(now + 1h, now);
  ctx.view->lease_end = lease_end;
  leap(1ms);
  auto a = n_.join(0, "a");
  n_.settle();
  a->read();
  EXPECT_TRUE(a->is_welcome());
}

TEST_F(fence, what_was_sent_meanwhile_goes_on_once_the_lease_is_back) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  fence_now();
  a->send(message("1", "b", 1));
  n_.settle();
  renew();
  n_.settle();
  a->read();
  b->read();
  EXPECT_EQ(b->data(), (std::vector<json>{1}));
  EXPECT_EQ(a->verdict_of("1"), "written");
}

TEST_F(fence, a_loop_that_was_away_asks_first_even_where_its_lease_looks_good) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  auto &board = n_.context().view->lease;
  auto asked = n_.context().boot_now();
  board.publish(asked + 1h, asked);
  a->send(message("1", "b", 1));
  leap(5s); // SIGSTOP, and SIGCONT
  n_.settle();
  b->read();
  EXPECT_TRUE(b->data().empty());
  auto now = n_.context().boot_now();
  board.publish(now + 1h, now + 1ms);
  n_.settle();
  b->read();
  EXPECT_EQ(b->data(), (std::vector<json>{1}));
}

TEST_F(fence, an_abandoned_node_says_goaway_and_nothing_else) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  fence_now();
  a->send(message("1", "b", 1));
  n_.settle();
  n_.at(0).abandon_now();
  n_.at(1).abandon_now();
  n_.settle();
  for (auto *one : {a.get(), b.get()}) {
    one->read();
    EXPECT_EQ(one->frames("goaway").size(), 1u);
    EXPECT_EQ(one->frames("goaway").at(0).at("reason"), "fenced");
    EXPECT_EQ(one->close_code(), 4000);
    EXPECT_TRUE(one->data().empty());
  }
  EXPECT_EQ(a->verdicts_of("1"), 0u);
}

TEST_F(fence, an_abandoned_node_tells_its_senders_that_nothing_is_known_of_their_messages) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  a->send({{"t", "send"}, {"id", "1"}, {"to", "b"}, {"want", "acked"}, {"data", 1}});
  n_.settle();
  b->read();
  ASSERT_EQ(b->data().size(), 1u);
  fence_now();
  n_.at(0).abandon_now();
  n_.at(1).abandon_now();
  n_.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "unreachable");
  EXPECT_EQ(a->verdicts_of("1"), 1u);
  EXPECT_EQ(a->close_code(), 4000);
}

} // namespace
