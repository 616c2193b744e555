// SPDX-License-Identifier: Apache-2.0
// A session between its connection's first byte and its welcome, and what a resume that fails or comes late
// leaves behind: each test names a bug that a run of whole processes found.
#include "actors/session/session.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json message(const std::string &id, const json &to, const json &data, const std::string &want = "written") {
  return {{"t", "send"}, {"id", id}, {"to", to}, {"data", data}, {"want", want}};
}

} // namespace

TEST(session_binding, a_message_that_knows_of_the_bind_before_the_session_is_not_overtaken_by_the_next) {
  node n;
  auto a = n.join(0, "a");
  auto b = n.connect(1, "b");
  n.turn(1);
  n.run_actors(); // bound; the answer waits for loop 1's next turn
  a->send(message("1", "b", 1));
  n.turn(0);
  n.run_actors();
  n.turn(0); // resolved: the message is on its way
  n.turn(1); // takes the message before the answer
  a->send(message("2", "b", 2));
  n.turn(0); // would send the second one before it hears that the first was refused
  n.settle();
  a->read();
  b->read();
  EXPECT_EQ(b->data(), (std::vector<json>{1, 2}));
  EXPECT_EQ(a->verdict_of("1"), "written");
  EXPECT_EQ(a->verdict_of("2"), "written");
}

TEST(session_binding, one_that_leaves_while_the_directory_is_asked_leaves_no_record_behind) {
  node n;
  auto b = n.connect(1, "b");
  for (int i = 0; i < 70; ++i)
    b->send(message(std::to_string(i), "a", i));
  n.turn(1); // upgraded and closed again: too much before the welcome
  n.settle();
  b->read();
  EXPECT_EQ(b->close_code(), 1008);
  b->vanish();
  n.pass(5s);
  EXPECT_FALSE(n.is_online("b"));
}

TEST(session_binding, a_resume_with_a_wrong_secret_still_ends_the_old_connection) {
  node n;
  auto old = n.join(0, "a");
  auto token = old->resume_token();
  token.back() = token.back() == 'A' ? 'Q' : 'A';
  auto fresh = n.join(1, "a", token);
  old->read();
  EXPECT_EQ(old->close_code(), 4100);
  EXPECT_EQ(fresh->frames("welcome")[0].at("resumed"), false);
}

TEST(session_binding, the_verdict_of_an_account_message_follows_its_sender_with_its_rows) {
  node n;
  auto a = n.join(0, "a");
  auto b = n.join(1, "b");
  a->send(message("1", {{"account", "acme"}, {"except_me", true}}, 5, "acked"));
  n.settle();
  auto again = n.join(1, "a", a->resume_token());
  b->read();
  b->send({{"t", "ack"}, {"id", b->frames("msg").at(0).at("id")}});
  n.settle();
  again->read();
  ASSERT_EQ(again->verdict_of("1"), "acked");
  EXPECT_EQ(again->frames("verdict")[0].at("devices").at(0).at("device"), "b");
}

TEST(session_binding, binds_that_come_while_others_are_under_way_go_together) {
  node n{1};
  std::vector<std::unique_ptr<device>> devices;
  for (auto name : {"a", "b", "c", "d"}) {
    devices.push_back(n.connect(0, name));
    n.turn(0);
  }
  n.settle();
  for (auto &x : devices) {
    x->read();
    EXPECT_TRUE(x->is_welcome());
  }
  auto &numbers = n.context().metrics->node();
  EXPECT_EQ(numbers.directory_requests, 4u);
  EXPECT_EQ(numbers.directory_batches, 2u) << "the first alone, the others behind it";
}

TEST(session_binding, binds_that_wait_go_on_where_those_before_get_no_answer) {
  node n{1};
  auto a = n.connect(0, "a");
  n.turn(0); // asked; the directory hears nothing of it yet
  auto b = n.connect(0, "b");
  n.turn(0);
  for (int i = 0; i < 5; ++i) {
    leap(1s);
    n.turn(0);
  }
  n.settle();
  b->read();
  EXPECT_TRUE(b->is_welcome());
}
