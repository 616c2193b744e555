// SPDX-License-Identifier: Apache-2.0
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

/// Loops of sender and device, for what must not depend on them.
class on_loops : public testing::TestWithParam<std::pair<size_t, size_t>> {};

} // namespace

TEST_P(on_loops, a_message_arrives_and_its_sender_is_told_written) {
  node n;
  auto a = n.join(GetParam().first, "a");
  auto b = n.join(GetParam().second, "b");
  a->send(message("1", "b", {{"x", 1}}));
  n.settle();
  a->read();
  b->read();
  ASSERT_EQ(b->data(), (std::vector<json>{{{"x", 1}}}));
  EXPECT_EQ(b->frames("msg")[0].at("from"), "a");
  EXPECT_EQ(a->verdict_of("1"), "written");
  EXPECT_EQ(a->frames("verdict")[0].at("via").at("node"), "test-node");
}

TEST_P(on_loops, an_acked_message_is_told_only_after_the_devices_ack) {
  node n;
  auto a = n.join(GetParam().first, "a");
  auto b = n.join(GetParam().second, "b");
  a->send(message("1", "b", 5, "acked"));
  n.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->verdict_of("1"), "");
  b->send({{"t", "ack"}, {"id", b->frames("msg").at(0).at("id")}});
  n.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "acked");
}

TEST_P(on_loops, a_message_that_is_never_acked_is_unreachable_at_written) {
  node n;
  auto a = n.join(GetParam().first, "a");
  auto b = n.join(GetParam().second, "b");
  a->send(message("1", "b", 5, "acked"));
  n.pass(6s);
  a->read();
  ASSERT_EQ(a->verdict_of("1"), "unreachable");
  EXPECT_EQ(a->frames("verdict")[0].at("at"), "written");
  EXPECT_EQ(a->verdicts_of("1"), 1u);
}

TEST_P(on_loops, messages_to_one_device_keep_their_order_while_it_hops) {
  node n;
  auto a = n.join(GetParam().first, "a");
  auto b = n.join(GetParam().second, "b");
  std::vector<json> seen;
  auto collect = [&](device &d) {
    d.read();
    for (auto &x : d.data())
      seen.push_back(x);
  };
  int next = 0;
  for (int hop = 0; hop < 20; ++hop) {
    for (int i = 0; i < 3; ++i)
      a->send(message(std::to_string(next), "b", next)), ++next;
    // Some are under way when the device comes back on the other loop.
    for (int i = 0; i <= hop % 3; ++i)
      n.turn(static_cast<size_t>(i % 2));
    auto fresh = n.connect(static_cast<size_t>(hop % 2), "b", b->is_welcome() ? b->resume_token() : "");
    for (int i = 0; i < 3; ++i)
      a->send(message(std::to_string(next), "b", next)), ++next;
    n.settle();
    collect(*b);
    b = std::move(fresh);
    b->read();
    EXPECT_TRUE(b->is_welcome());
    n.pass(200ms);
  }
  n.settle();
  collect(*b);
  a->read();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end())) << json(seen).dump();
  size_t written = 0;
  for (int i = 0; i < next; ++i) {
    auto id = std::to_string(i);
    EXPECT_EQ(a->verdicts_of(id), 1u) << id;
    auto arrived = std::count(seen.begin(), seen.end(), json(i));
    if (a->verdict_of(id) == "written") {
      ++written;
      EXPECT_EQ(arrived, 1) << id;
    } else {
      EXPECT_EQ(arrived, 0) << id << " " << a->verdict_of(id);
    }
  }
  EXPECT_GT(written, static_cast<size_t>(next) / 2);
}

INSTANTIATE_TEST_SUITE_P(loops, on_loops, testing::Values(std::pair{0, 0}, std::pair{0, 1}, std::pair{1, 0}));

TEST(session, hears_a_verdict_in_one_system_call_with_what_it_is_sent_in_the_same_turn) {
  node n{1};
  auto a = n.join(0, "a");
  auto b = n.join(0, "b");
  for (auto *number : {"1", "2"}) { // the first ones have to ask for their routes
    auto sends = n.at(0).io().counters().sends;
    a->send(message(number, "b", 1));
    b->send(message(number, "a", 2));
    n.turn(0);
    if (std::string{number} == "2") {
      EXPECT_EQ(n.at(0).io().counters().sends - sends, 3u) << "one device's verdict comes last and alone";
    }
    n.settle();
  }
  for (auto *who : {&a, &b}) {
    (*who)->read();
    EXPECT_EQ((*who)->verdict_of("2"), "written");
    EXPECT_EQ((*who)->data().size(), 2u);
  }
}

TEST(session, is_forgotten_after_the_resume_window) {
  node n;
  auto b = n.join(0, "b");
  auto token = b->resume_token();
  b->vanish();
  n.pass(31s);
  EXPECT_EQ(n.at(0).parts().sessions.size(), 0u);
  auto again = n.join(1, "b", token);
  EXPECT_FALSE(again->frames("welcome").at(0).at("resumed").get<bool>());
}

TEST(session, that_leaves_before_it_is_bound_leaves_no_record) {
  node n{1};
  auto gone = n.connect(0, "gone");
  n.turn(0); // asks the directory; its answer has not come
  n.at(0).drain();
  gone->vanish();
  n.settle();
  n.pass(5s);
  EXPECT_FALSE(n.is_online("gone"));
}

TEST(session, that_is_killed_leaves_no_record) {
  node n{1};
  auto b = n.join(0, "b");
  n.at(0).parts().sessions.for_each([](actors::session_port &who) {
    caf::anon_send_exit(static_cast<actors::session &>(who).self(), caf::exit_reason::kill);
  });
  n.settle();
  EXPECT_FALSE(n.is_online("b"));
  EXPECT_EQ(n.at(0).parts().sessions.size(), 0u);
}

TEST(session, a_message_to_nobody_is_offline) {
  node n;
  auto a = n.join(0, "a");
  a->send(message("1", "nobody", 1));
  n.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "offline");
}

TEST(session, a_message_to_another_account_is_refused_and_not_delivered) {
  node n;
  auto a = n.join(0, "a");
  auto b = n.connect(1, "b", {}, "other");
  n.settle();
  a->send(message("1", "b", 1));
  n.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->verdict_of("1"), "refused");
  EXPECT_TRUE(b->data().empty());
}

TEST(session, past_its_rate_a_message_is_limited) {
  limits lim;
  lim.message_burst = 3;
  node n{1, lim};
  auto a = n.join(0, "a");
  auto b = n.join(0, "b");
  for (int i = 0; i < 5; ++i)
    a->send(message(std::to_string(i), "b", i));
  n.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("2"), "written");
  EXPECT_EQ(a->verdict_of("3"), "limited");
  EXPECT_EQ(a->verdict_of("4"), "limited");
}

TEST(session, a_second_message_under_a_key_is_a_duplicate_and_not_delivered) {
  node n;
  auto a = n.join(0, "a");
  auto b = n.join(1, "b");
  auto keyed = [](const std::string &id, int data) {
    auto frame = message(id, "b", data);
    frame["key"] = "k";
    return frame;
  };
  a->send(keyed("1", 7));
  n.settle();
  a->send(keyed("2", 7));
  a->send(keyed("3", 8));
  n.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->verdict_of("1"), "written");
  EXPECT_EQ(a->verdict_of("2"), "duplicate");
  EXPECT_EQ(a->verdict_of("3"), "invalid");
  EXPECT_EQ(b->data(), std::vector<json>{7});
}

TEST(session, a_device_that_does_not_read_makes_senders_congested_and_is_closed_as_slow) {
  limits lim;
  lim.max_cork_bytes = 64 * 1024;
  lim.message_rate = 0;
  node n{2, lim};
  auto a = n.join(0, "a");
  auto b = n.join(1, "b");
  auto c = n.join(1, "c");
  std::string big(8000, 'x');
  int sent = 0;
  for (; sent < 200; ++sent) {
    a->send(message(std::to_string(sent), "b", big));
    n.settle();
    a->read();
    if (a->verdict_of(std::to_string(sent)) == "congested")
      break;
  }
  EXPECT_EQ(a->verdict_of(std::to_string(sent)), "congested");
  a->send(message("other", "c", 1));
  n.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("other"), "written");
  n.pass(20s);
  EXPECT_FALSE(n.is_online("b"));
}

TEST(session, an_account_message_has_one_verdict_with_a_line_for_each_device) {
  node n;
  auto a = n.join(0, "a");
  auto b = n.join(0, "b");
  auto c = n.join(1, "c");
  a->send(message("1", {{"account", "acme"}, {"except_me", true}}, 3));
  n.settle();
  for (auto *d : {&a, &b, &c})
    (*d)->read();
  EXPECT_EQ(b->data(), std::vector<json>{3});
  EXPECT_EQ(c->data(), std::vector<json>{3});
  EXPECT_TRUE(a->data().empty());
  ASSERT_EQ(a->verdicts_of("1"), 1u);
  EXPECT_EQ(a->frames("verdict")[0].at("devices").size(), 2u);
}

TEST(session, a_device_without_a_byte_is_closed_as_dead) {
  node n{1};
  auto b = n.join(0, "b");
  n.pass(36s);
  EXPECT_FALSE(n.is_online("b"));
}

TEST(session, is_asked_to_reconnect_after_its_lifetime_then_closed) {
  limits lim;
  lim.session_lifetime = 10s;
  lim.session_dither = 0s;
  node n{1, lim};
  auto b = n.join(0, "b");
  n.pass(11s);
  b->read();
  ASSERT_EQ(b->frames("goaway").size(), 1u);
  EXPECT_EQ(b->frames("goaway")[0].at("reason"), "recycle");
  n.pass(5s);
  b->read();
  EXPECT_EQ(b->close_code(), 4000);
}

TEST(session, ten_bad_frames_close_with_malformed) {
  node n{1};
  auto b = n.join(0, "b");
  for (int i = 0; i < 10; ++i)
    b->send({{"t", "dance"}});
  n.settle();
  b->read();
  EXPECT_EQ(b->frames("error").size(), 10u);
  EXPECT_EQ(b->close_code(), 4103);
}
