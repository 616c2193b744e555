// SPDX-License-Identifier: Apache-2.0
// Two nodes in one world, turned by hand, with a link that the test makes and cuts: messages, takeover and
// hand-over between nodes, and what a link's end leaves behind.
#include "actors/delivery/links.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json message(const std::string &id, const std::string &to, const json &data,
             const std::string &want = "written") {
  return {{"t", "send"}, {"id", id}, {"to", to}, {"data", data}, {"want", want}};
}

class two_nodes : public testing::Test {
protected:
  two_nodes() { link(1); }

  void link(uint32_t epoch) {
    a_.tell_link(b_, epoch, true);
    b_.tell_link(a_, epoch, true);
    settle();
  }
  void cut(uint32_t epoch) {
    a_.tell_link(b_, epoch, false);
    b_.tell_link(a_, epoch, false);
    settle();
  }
  void settle() {
    for (int round = 0; round < 4; ++round) {
      a_.settle();
      b_.settle();
    }
  }
  void pass(std::chrono::milliseconds time) { actors::test::pass(time, {&a_, &b_}); }
  std::unique_ptr<device> join(node &at, const std::string &name, const std::string &resume = {},
                               size_t loop = 0) {
    auto result = at.connect(loop, name, resume);
    settle();
    result->read();
    EXPECT_TRUE(result->is_welcome()) << name;
    return result;
  }
  /// Sends, lets everything happen, reads both ends.
  void exchange(device &from, const json &frame, device &to) {
    from.send(frame);
    settle();
    from.read();
    to.read();
  }

  world world_;
  node a_{world_, "node-a", 101, 2};
  node b_{world_, "node-b", 202, 2};
};

TEST_F(two_nodes, a_message_crosses_and_its_verdict_names_the_other_node) {
  auto x = join(a_, "x");
  auto y = join(b_, "y", {}, 1);
  exchange(*x, message("1", "y", {{"n", 1}}), *y);
  EXPECT_EQ(y->data(), (std::vector<json>{{{"n", 1}}}));
  ASSERT_EQ(x->verdicts_of("1"), 1u);
  auto said = x->frames("verdict").at(0);
  EXPECT_EQ(said.at("verdict"), "written");
  EXPECT_EQ(said.at("via").at("node"), "node-b");
}

TEST_F(two_nodes, many_messages_keep_their_order) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  std::vector<json> expected;
  for (int i = 0; i < 90; ++i) {
    x->send(message(std::to_string(i), "y", i, i % 3 ? "none" : "written"));
    expected.push_back(i);
    if (i % 7 == 0)
      settle();
  }
  settle();
  y->read();
  EXPECT_EQ(y->data(), expected);
}

TEST_F(two_nodes, an_ack_crosses_back) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  exchange(*x, message("1", "y", 1, "acked"), *y);
  EXPECT_EQ(x->verdicts_of("1"), 0u);
  exchange(*y, {{"t", "ack"}, {"id", y->frames("msg").at(0).at("id")}}, *x);
  EXPECT_EQ(x->verdict_of("1"), "acked");
}

TEST_F(two_nodes, a_message_to_a_device_that_moved_to_the_other_node_follows_it) {
  auto x = join(a_, "x");
  auto y = join(a_, "y", {}, 1);
  exchange(*x, message("1", "y", 1), *y);
  auto moved = join(b_, "y");
  y->read();
  EXPECT_EQ(y->close_code(), 4100);
  exchange(*x, message("2", "y", 2), *moved);
  EXPECT_EQ(moved->data(), (std::vector<json>{2}));
  EXPECT_EQ(x->verdict_of("2"), "written");
}

TEST_F(two_nodes, a_takeover_is_told_across_the_link_and_its_late_end_removes_nothing) {
  auto old = join(a_, "x");
  auto fresh = join(b_, "x");
  old->read();
  EXPECT_EQ(old->close_code(), 4100);
  old->vanish();
  settle();
  EXPECT_TRUE(b_.is_online("x"));
  auto y = join(a_, "y");
  exchange(*y, message("1", "x", 1), *fresh);
  EXPECT_EQ(y->verdict_of("1"), "written");
}

TEST_F(two_nodes, a_resume_on_the_other_node_gets_the_unacked_messages_again) {
  auto y = join(a_, "y");
  auto x = join(a_, "x", {}, 1);
  for (int i = 0; i < 3; ++i)
    exchange(*y, message(std::to_string(i), "x", i, "acked"), *x);
  auto token = x->resume_token();
  x->vanish();
  settle();
  auto back = join(b_, "x", token);
  EXPECT_EQ(back->frames("welcome").at(0).at("resumed"), true);
  EXPECT_EQ(back->data(), (std::vector<json>{0, 1, 2}));
  for (auto &frame : back->frames("msg"))
    back->send({{"t", "ack"}, {"id", frame.at("id")}});
  settle();
  y->read();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(y->verdict_of(std::to_string(i)), "acked") << i;
}

TEST_F(two_nodes, a_resume_on_the_other_node_by_another_account_gets_nothing) {
  auto x = join(a_, "x");
  auto alice = join(a_, "tv");
  exchange(*x, message("1", "tv", "for alice", "acked"), *alice);
  ASSERT_EQ(alice->data().size(), 1u);
  auto bob = b_.connect(0, "tv", alice->resume_token(), "bob");
  settle();
  pass(40s);
  bob->read();
  ASSERT_TRUE(bob->is_welcome());
  EXPECT_EQ(bob->frames("welcome").at(0).at("resumed"), false);
  EXPECT_TRUE(bob->data().empty());
  x->read();
  EXPECT_EQ(x->verdict_of("1"), "unreachable");
}

TEST_F(two_nodes, a_verdict_owed_to_a_sender_follows_it_to_the_other_node) {
  auto y = join(b_, "y");
  auto x = join(a_, "x");
  exchange(*x, message("1", "y", 1, "acked"), *y);
  auto token = x->resume_token();
  x->vanish();
  settle();
  auto back = join(b_, "x", token);
  EXPECT_EQ(back->frames("welcome").at(0).at("resumed"), true);
  exchange(*y, {{"t", "ack"}, {"id", y->frames("msg").at(0).at("id")}}, *back);
  EXPECT_EQ(back->verdict_of("1"), "acked");
}

TEST_F(two_nodes, the_end_of_a_link_makes_what_was_under_way_unreachable_at_once) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  exchange(*x, message("warm", "y", 0), *y);
  x->send(message("1", "y", 1, "acked")); // the device never confirms
  settle();
  cut(1);
  x->read();
  ASSERT_EQ(x->verdicts_of("1"), 1u);
  EXPECT_EQ(x->verdict_of("1"), "unreachable");
}

TEST_F(two_nodes, without_a_link_a_message_to_the_other_node_is_unreachable_and_never_offline) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  cut(1);
  exchange(*x, message("1", "y", 1), *y);
  EXPECT_EQ(x->verdict_of("1"), "unreachable");
  EXPECT_TRUE(y->data().empty());
}

TEST_F(two_nodes, a_link_that_begins_anew_serves_again) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  exchange(*x, message("1", "y", 1), *y);
  cut(1);
  exchange(*x, message("2", "y", 2), *y);
  link(2);
  exchange(*x, message("3", "y", 3), *y);
  EXPECT_EQ(x->verdict_of("3"), "written");
  EXPECT_EQ(y->data(), (std::vector<json>{1, 3}));
}

TEST_F(two_nodes, what_an_old_link_still_delivers_is_dropped) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  exchange(*x, message("warm", "y", 0), *y);
  x->send(message("1", "y", 1));
  a_.turn(0); // the batch waits at node b
  cut(1);
  link(2);
  x->read();
  y->read();
  EXPECT_EQ(x->verdicts_of("1"), 1u);
  exchange(*x, message("2", "y", 2), *y);
  EXPECT_EQ(x->verdict_of("2"), "written");
  EXPECT_EQ(x->verdicts_of("1"), 1u);
}

TEST_F(two_nodes, a_takeover_while_the_link_is_cut_is_told_once_it_is_back) {
  auto old = join(a_, "x");
  cut(1);
  auto fresh = join(b_, "x");
  old->read();
  EXPECT_EQ(old->close_code(), 0);
  link(2);
  pass(1s);
  old->read();
  EXPECT_EQ(old->close_code(), 4100);
  EXPECT_TRUE(b_.is_online("x"));
}

TEST_F(two_nodes, a_resume_without_a_link_is_honest_about_it) {
  auto x = join(a_, "x");
  auto token = x->resume_token();
  x->vanish();
  settle();
  cut(1);
  auto back = join(b_, "x", token);
  EXPECT_EQ(back->frames("welcome").at(0).at("resumed"), false);
}

TEST_F(two_nodes, a_bind_of_a_connection_that_left_gives_the_device_back_to_who_had_it) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  auto ghost = a_.connect(1, "y");
  a_.turn(1); // asks the directory
  ghost->vanish();
  a_.turn(1);
  settle();
  y->read();
  EXPECT_EQ(y->close_code(), 0);
  exchange(*x, message("1", "y", 1), *y);
  EXPECT_EQ(x->verdict_of("1"), "written");
  EXPECT_EQ(y->data(), (std::vector<json>{1}));
}

TEST_F(two_nodes, a_node_that_ends_tells_a_sender_that_went_on_what_it_does_not_know) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  exchange(*x, message("1", "y", 1, "acked"), *y);
  auto token = x->resume_token();
  x->vanish();
  settle();
  auto again = join(b_, "x", token, 1);
  EXPECT_EQ(again->verdicts_of("1"), 0u);
  a_.at(0).finish_messages();
  settle();
  again->read();
  EXPECT_EQ(again->verdict_of("1"), "unreachable");
  y->send({{"t", "ack"}, {"id", y->frames("msg").at(0).at("id")}});
  settle();
  again->read();
  EXPECT_EQ(again->verdicts_of("1"), 1u) << "one verdict, also where the ack comes after all";
}

TEST_F(two_nodes, account_messages_reach_both_nodes) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  auto z = join(a_, "z", {}, 1);
  x->send({{"t", "send"}, {"id", "all"}, {"to", {{"account", "acme"}, {"except_me", true}}}, {"data", 7}});
  settle();
  for (auto *one : {x.get(), y.get(), z.get()})
    one->read();
  EXPECT_EQ(y->data(), (std::vector<json>{7}));
  EXPECT_EQ(z->data(), (std::vector<json>{7}));
  auto rows = x->frames("verdict").at(0).at("devices");
  EXPECT_EQ(rows.size(), 2u);
  for (auto &row : rows)
    EXPECT_EQ(row.at("verdict"), "written");
}

TEST_F(two_nodes, a_queued_bind_of_the_slower_node_wins_only_with_the_newer_epoch) {
  auto one = a_.connect(0, "x");
  auto two = b_.connect(0, "x");
  settle();
  pass(1s);
  one->read();
  two->read();
  EXPECT_TRUE(one->is_welcome() && two->is_welcome());
  EXPECT_EQ((one->close_code() == 4100) + (two->close_code() == 4100), 1);
  auto record = world_.store()->lookup({device_id::trusted("x")}).at(0);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->at.inc, one->close_code() == 4100 ? 202u : 101u);
}

} // namespace
