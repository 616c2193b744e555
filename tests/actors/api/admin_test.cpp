// SPDX-License-Identifier: Apache-2.0
// The operator's questions over HTTP to one of two nodes, with a link that the test makes and cuts.
#include "actors/api/inspector.hpp"

#include "actors/api/api_actor.hpp"
#include "tests/actors/api/api_fixture.hpp"
#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// The answer of `n` to one request of a back end.
std::string answer_of(node &n, const std::string &method, const std::string &target,
                      const std::function<void()> &settle) {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  n.at(0).parts().api->accept(fds[1]);
  auto request = http(method, target);
  EXPECT_EQ(::send(fds[0], request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  settle();
  std::string all(65536, '\0');
  auto got = recv(fds[0], all.data(), all.size(), 0);
  all.resize(got > 0 ? static_cast<size_t>(got) : 0);
  close(fds[0]);
  settle();
  return all;
}

class admin : public testing::Test {
protected:
  admin() {
    for (auto *n : {&a_, &b_}) {
      n->context().view->set_slots(std::make_shared<const slot_map>(std::vector<slot_node>{of(a_), of(b_)}));
      std::vector<loop_inbox_actor> inboxes;
      for (size_t i = 0; i < 2; ++i)
        inboxes.push_back(caf::actor_cast<loop_inbox_actor>(n->at(i).inbox().self()));
      auto &ctx = n->context();
      ctx.inspector =
          n->system().spawn(inspector, inspector_deps{of(*n), inboxes, ctx.metrics, ctx.view, ctx.directory,
                                                      true, [] { return boot_time{}; }});
    }
    link(1, true);
  }
  ~admin() override {
    for (auto *n : {&a_, &b_}) {
      caf::anon_send_exit(n->context().inspector, caf::exit_reason::user_shutdown);
      n->context().inspector = nullptr;
    }
    settle();
  }
  static slot_node of(node &n) { return {n.context().id, n.context().inc}; }
  void link(uint32_t epoch, bool up) {
    for (auto [to, other] : {std::pair{&a_, &b_}, std::pair{&b_, &a_}}) {
      to->tell_link(*other, epoch, up);
      link_news news{other->context().id, other->context().inc, epoch, up, {}, {}, {}};
      if (up)
        for (size_t i = 0; i < 2; ++i)
          news.inboxes.push_back(other->at(i).inbox().self());
      caf::anon_send(to->context().inspector, link_atom_v, news);
    }
    settle();
  }
  void settle() {
    for (int round = 0; round < 4; ++round) {
      a_.settle();
      b_.settle();
    }
  }
  std::unique_ptr<device> join(node &at, const std::string &name) {
    auto result = at.connect(0, name);
    settle();
    result->read();
    EXPECT_TRUE(result->is_welcome());
    return result;
  }
  /// A request to node a.
  std::string ask(const std::string &method, const std::string &target) {
    return answer_of(a_, method, target, [this] { settle(); });
  }
  json page(const std::string &target) {
    auto answer = ask("GET", target);
    EXPECT_EQ(status_of(answer), 200) << answer;
    return json::parse(body_of(answer), nullptr, false);
  }

  world world_;
  node a_{world_, "node-a", 101, 2};
  node b_{world_, "node-b", 202, 2};
};

TEST_F(admin, a_device_matches_wherever_it_is) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  for (auto [name, node] : {std::pair{"x", "node-a"}, std::pair{"y", "node-b"}}) {
    auto said = page(std::string{"/v1/admin/devices/"} + name);
    EXPECT_EQ(said.at("word"), "match") << said;
    EXPECT_EQ(said.at("record").at("node"), node);
    ASSERT_EQ(said.at("sessions").size(), 1u);
    EXPECT_EQ(said["sessions"][0].at("epoch"), said["record"].at("epoch"));
    EXPECT_EQ(said["sessions"][0].at("state"), "live");
    EXPECT_TRUE(said.at("silent").empty());
  }
}

TEST_F(admin, a_session_tells_its_age_and_what_waits) {
  auto x = join(a_, "x");
  pass(3s, {&a_, &b_});
  EXPECT_EQ(page("/v1/admin/devices/x").at("sessions").at(0).at("heard_ms"), 3000) << "when it connected";
  x->send({{"t", "send"}, {"id", "1"}, {"to", "x"}, {"data", 1}, {"want", "acked"}});
  settle();
  pass(1s, {&a_, &b_});
  auto one = page("/v1/admin/devices/x").at("sessions").at(0);
  EXPECT_EQ(one.at("age_ms"), 4000);
  EXPECT_EQ(one.at("heard_ms"), 1000);
  EXPECT_EQ(one.at("unacked"), 1);
  EXPECT_EQ(one.at("unsent"), 0);
}

TEST_F(admin, a_lost_record_is_an_orphan_and_an_invented_one_is_stale) {
  auto x = join(b_, "x");
  auto held = a_.store().lookup({device_id::trusted("x")}).at(0);
  a_.store().unbind({{device_id::trusted("x"), (*held)->at.ep, a_.context().lease_until()}});
  EXPECT_EQ(page("/v1/admin/devices/x").at("word"), "orphan");
  a_.store().bind({{device_id::trusted("z"),
                    account_id::trusted("acme"),
                    {of(b_).node, of(b_).inc, {0, 77, 77}, 0},
                    0,
                    a_.context().lease_until()}});
  EXPECT_EQ(page("/v1/admin/devices/z").at("word"), "stale");
  EXPECT_EQ(page("/v1/admin/devices/nobody").at("word"), "absent");
}

TEST_F(admin, a_node_that_cannot_be_asked_is_named) {
  auto x = join(b_, "x");
  link(1, false);
  auto said = page("/v1/admin/devices/x");
  EXPECT_EQ(said.at("word"), "unknown") << said;
  EXPECT_EQ(said.at("silent"), json::array({"node-b"}));
}

TEST_F(admin, nodes_have_their_links_slots_and_devices) {
  auto x = join(a_, "x");
  auto y = join(b_, "y");
  auto z = join(b_, "z");
  auto said = page("/v1/admin/nodes");
  EXPECT_EQ(said.at("node"), "node-a");
  EXPECT_EQ(said.at("outage"), false);
  EXPECT_EQ(said.at("fenced"), false);
  ASSERT_EQ(said.at("nodes").size(), 2u) << said;
  auto &own = said["nodes"][0], &other = said["nodes"][1];
  EXPECT_EQ(own.at("link"), "self");
  EXPECT_EQ(own.at("connections"), 1);
  EXPECT_EQ(other.at("node"), "node-b");
  EXPECT_EQ(other.at("link"), "up");
  EXPECT_EQ(other.at("link_epoch"), 1);
  EXPECT_EQ(other.at("connections"), 2);
  EXPECT_TRUE(other.contains("round_trip_us"));
  EXPECT_EQ(own.at("slots").get<size_t>() + other.at("slots").get<size_t>(), slot_count);
}

TEST_F(admin, slots_are_asked_by_query) {
  EXPECT_EQ(page("/v1/admin/slots").at("owners").size(), 2u);
  EXPECT_EQ(page("/v1/admin/slots?slot=17").at("slot"), 17);
  EXPECT_EQ(page("/v1/admin/slots?device=d%3A1").at("slot"), slot_of(device_id::trusted("d:1")));
  EXPECT_EQ(page("/v1/admin/slots?without=node-b").at("to").size(), 1u);
  EXPECT_EQ(status_of(ask("GET", "/v1/admin/slots?without=node-c")), 404);
  for (auto bad : {"slot=4096", "slot=-1", "slot=x", "device=a%2Fb", "slot=1&device=d", "device=%zz"})
    EXPECT_EQ(status_of(ask("GET", std::string{"/v1/admin/slots?"} + bad)), 400) << bad;
}

TEST_F(admin, a_drain_is_asked_of_this_node_and_through_it_of_another) {
  auto &own = *a_.context().view, &other = *b_.context().view;
  EXPECT_EQ(status_of(ask("GET", "/v1/admin/drain")), 405);
  EXPECT_EQ(status_of(ask("POST", "/v1/admin/drain?over=forever")), 400);
  EXPECT_EQ(status_of(ask("POST", "/v1/admin/drain?over=2h")), 400);
  EXPECT_FALSE(own.drain_asked);
  EXPECT_EQ(status_of(ask("POST", "/v1/admin/drain?node=node-b&over=30s")), 202);
  EXPECT_FALSE(own.drain_asked);
  EXPECT_TRUE(other.drain_asked);
  EXPECT_EQ(b_.context().drain_over(), 30s);
  EXPECT_EQ(status_of(ask("POST", "/v1/admin/drain")), 202);
  EXPECT_TRUE(own.drain_asked);
  EXPECT_EQ(a_.context().drain_over(), a_.context().lim().drain_over);
  link(1, false);
  auto refused = ask("POST", "/v1/admin/drain?node=node-b");
  EXPECT_EQ(status_of(refused), 404);
  EXPECT_NE(refused.find("own API address"), std::string::npos);
}

TEST_F(admin, a_drain_that_another_node_asks_for_is_bounded_here) {
  for (auto [asked, over] : {std::pair{INT64_MAX, std::chrono::milliseconds{1h}},
                             {INT64_MIN, b_.context().lim().drain_over},
                             {int64_t{30'000}, 30'000ms}}) {
    admin_question question;
    question.what = admin_question::kind::drain;
    question.over_ms = asked;
    caf::anon_send(caf::actor_cast<caf::actor>(b_.at(0).inbox().self()), ask_atom_v, question);
    settle();
    EXPECT_TRUE(b_.context().view->drain_asked);
    EXPECT_EQ(b_.context().drain_over(), over) << asked;
  }
}

} // namespace

TEST(admin_alone, a_device_nobody_knows_is_absent_and_no_node_is_silent) {
  node n{1};
  auto &ctx = n.context();
  std::vector<loop_inbox_actor> inboxes{caf::actor_cast<loop_inbox_actor>(n.at(0).inbox().self())};
  ctx.inspector = n.system().spawn(
      inspector, inspector_deps{{ctx.id, ctx.inc}, inboxes, ctx.metrics, ctx.view, ctx.directory, false, [] {
                                  return boot_time{};
                                }});
  // Its view of the cluster is made for each question. No early return: the inspector must end.
  for (int i = 0; i < 100 && !testing::Test::HasFailure(); ++i) {
    auto answer = answer_of(n, "GET", "/v1/admin/devices/nobody", [&] { n.settle(); });
    auto said = json::parse(body_of(answer), nullptr, false);
    EXPECT_TRUE(said.is_object()) << answer;
    EXPECT_EQ(said.is_object() ? said.value("word", "") : "", "absent") << answer;
    EXPECT_EQ(said.is_object() ? said.value("silent", json{}) : json{}, json::array()) << answer;
  }
  caf::anon_send_exit(ctx.inspector, caf::exit_reason::user_shutdown);
  ctx.inspector = nullptr;
  n.settle();
}

TEST(admin_access, needs_the_key_like_everything_else) {
  api_rig rig{{false, {"secret-key-secret-key-secret-key"}, {}}};
  rig.connect();
  for (auto request : {http("POST", "/v1/admin/drain"), http("GET", "/v1/admin/nodes")}) {
    rig.send(request);
    EXPECT_EQ(status_of(rig.received()), 401);
  }
  EXPECT_TRUE(rig.questions.empty());
}
