// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api_actor.hpp"

#include "actors/api/inspector.hpp"
#include "tests/actors/api/api_fixture.hpp"
#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// A back end on one loop of the fixture's node, which asks for no key: it is a development node.
class back_end {
public:
  back_end(test::node &n, size_t loop) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    fd_ = fds[0];
    n.at(loop).parts().api->accept(fds[1]);
  }
  ~back_end() { close(fd_); }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// One request, answered.
  std::string ask(test::node &n, std::string_view request) {
    send(request);
    n.settle();
    return received();
  }
  std::string received() {
    std::string all;
    char buffer[65536];
    for (;;) {
      auto got = recv(fd_, buffer, sizeof buffer, 0);
      if (got == 0)
        return all + "<eof>";
      if (got < 0)
        return all;
      all.append(buffer, static_cast<size_t>(got));
    }
  }

private:
  int fd_;
};

json body_json(const std::string &answer) {
  return json::parse(body_of(answer), nullptr, false);
}

} // namespace

TEST(api_actor, pushes_to_a_device_of_its_own_and_of_another_loop) {
  for (size_t loop : {0, 1}) {
    test::node n;
    auto device = n.join(0, "d1");
    back_end caller{n, loop};
    auto answer = caller.ask(n, http("POST", "/v1/devices/d1/messages", R"({"a":1})"));
    device->read();
    ASSERT_EQ(device->data(), (std::vector<json>{{{"a", 1}}}));
    EXPECT_FALSE(device->frames("msg")[0].contains("from"));
    EXPECT_EQ(status_of(answer), 200);
    auto said = body_json(answer);
    EXPECT_EQ(said.at("verdict"), "written");
    EXPECT_EQ(said.at("via").at("node"), "test-node");
    EXPECT_EQ(said.at("id"), device->frames("msg")[0].at("id"));
  }
}

TEST(api_actor, waits_for_the_ack_where_it_is_wanted) {
  test::node n;
  auto device = n.join(0, "d1");
  back_end caller{n, 1};
  EXPECT_EQ(caller.ask(n, http("POST", "/v1/devices/d1/messages?want=acked", "1")), "");
  device->read();
  device->send({{"t", "ack"}, {"id", device->frames("msg").at(0).at("id")}});
  n.settle();
  EXPECT_EQ(body_json(caller.received()).at("verdict"), "acked");
}

TEST(api_actor, says_unreachable_when_the_time_is_up) {
  test::node n;
  auto device = n.join(0, "d1");
  back_end caller{n, 0};
  caller.send(http("POST", "/v1/devices/d1/messages?want=acked&timeout_ms=700", "1"));
  n.pass(2s);
  auto answer = caller.received();
  EXPECT_EQ(status_of(answer), 504);
  EXPECT_EQ(body_json(answer).at("at"), "written");
}

TEST(api_actor, delivers_one_message_under_one_key) {
  test::node n;
  auto device = n.join(0, "d1");
  back_end caller{n, 1};
  auto push = [&](std::string_view body) {
    return caller.ask(n, http("POST", "/v1/devices/d1/messages", body, "Idempotency-Key: k\r\n"));
  };
  EXPECT_EQ(body_json(push("1")).at("verdict"), "written");
  auto again = push("1");
  EXPECT_EQ(status_of(again), 200);
  EXPECT_EQ(body_json(again).at("verdict"), "duplicate");
  EXPECT_EQ(body_json(again).at("first"), "written");
  EXPECT_EQ(status_of(push("2")), 422);
  device->read();
  EXPECT_EQ(device->data(), std::vector<json>{1});
}

TEST(api_actor, tells_a_second_caller_that_the_first_was_written_before_its_ack) {
  test::node n;
  auto device = n.join(0, "d1");
  back_end first{n, 0};
  back_end second{n, 1};
  auto request = http("POST", "/v1/devices/d1/messages?want=acked", "1", "Idempotency-Key: k\r\n");
  EXPECT_EQ(first.ask(n, request), "");
  auto answer = second.ask(n, request);
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_json(answer).at("verdict"), "duplicate");
  EXPECT_EQ(body_json(answer).at("first"), "written");
  device->read();
  EXPECT_EQ(device->data().size(), 1u);
}

TEST(api_actor, answers_offline_for_a_device_nobody_knows) {
  test::node n;
  back_end caller{n, 0};
  auto answer = caller.ask(n, http("POST", "/v1/devices/nobody/messages", "1"));
  EXPECT_EQ(status_of(answer), 404);
  EXPECT_EQ(body_json(answer).at("verdict"), "offline");
}

TEST(api_actor, keeps_the_order_of_a_batch_for_each_device) {
  test::node n;
  auto a = n.join(0, "a");
  auto b = n.join(1, "b");
  back_end caller{n, 0};
  std::string lines;
  for (int i = 0; i < 50; ++i)
    lines += json{{"to", i % 2 ? "a" : "b"}, {"data", i}}.dump() + "\n";
  auto answer = caller.ask(n, http("POST", "/v1/messages", lines, "Content-Type: application/x-ndjson\r\n"));
  a->read();
  b->read();
  std::vector<json> odd, even;
  for (int i = 0; i < 50; ++i)
    (i % 2 ? odd : even).push_back(i);
  EXPECT_EQ(a->data(), odd);
  EXPECT_EQ(b->data(), even);
  auto body = body_of(answer);
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 50);
}

TEST(api_actor, pushes_to_all_devices_of_an_account) {
  test::node n;
  auto a = n.join(0, "a");
  auto b = n.join(1, "b");
  auto other = n.connect(0, "c", {}, "other");
  n.settle();
  back_end caller{n, 1};
  auto answer = caller.ask(n, http("POST", "/v1/accounts/acme/messages", "7"));
  for (auto *device : {a.get(), b.get(), other.get()})
    device->read();
  EXPECT_EQ(a->data(), std::vector<json>{7});
  EXPECT_EQ(b->data(), std::vector<json>{7});
  EXPECT_TRUE(other->data().empty());
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(status_of(caller.ask(n, http("POST", "/v1/accounts/empty/messages", "7"))), 404);
}

TEST(api_actor, tells_where_devices_are) {
  test::node n;
  auto device = n.join(1, "d1");
  back_end caller{n, 0};
  auto one = body_json(caller.ask(n, http("GET", "/v1/devices/d1")));
  EXPECT_EQ(one.at("account"), "acme");
  EXPECT_EQ(one.at("node"), "test-node");
  EXPECT_EQ(one.at("connected"), true);
  auto all = body_json(caller.ask(n, http("GET", "/v1/accounts/acme/devices")));
  ASSERT_EQ(all.at("devices").size(), 1u);
  EXPECT_EQ(all.at("devices")[0], one);
  EXPECT_EQ(status_of(caller.ask(n, http("GET", "/v1/devices/d2"))), 404);
}

TEST(api_actor, is_congested_where_too_many_verdicts_are_open) {
  limits lim;
  lim.max_pending_verdicts = 1;
  test::node n{2, lim};
  auto device = n.join(0, "d1");
  back_end first{n, 1};
  back_end second{n, 1};
  EXPECT_EQ(first.ask(n, http("POST", "/v1/devices/d1/messages?want=acked", "1")), "");
  auto answer = second.ask(n, http("POST", "/v1/devices/d1/messages", "1"));
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(body_json(answer).at("verdict"), "congested");
}

TEST(api_actor, is_not_ready_while_it_drains_and_serves_on) {
  test::node n;
  auto device = n.join(0, "d1");
  n.context().draining = true;
  back_end caller{n, 0};
  EXPECT_EQ(status_of(caller.ask(n, http("GET", "/readyz"))), 503);
  EXPECT_EQ(status_of(caller.ask(n, http("POST", "/v1/devices/d1/messages", "1"))), 200);
  EXPECT_EQ(status_of(caller.ask(n, http("GET", "/healthz"))), 200);
}

TEST(api_actor, survives_its_end_with_pushes_under_way) {
  test::node n;
  auto device = n.join(0, "d1");
  back_end caller{n, 1};
  EXPECT_EQ(caller.ask(n, http("POST", "/v1/devices/d1/messages?want=acked", "1")), "");
  n.at(1).parts().api->stop(caf::exit_reason::user_shutdown);
  EXPECT_EQ(caller.received(), "<eof>");
  device->read();
  device->send({{"t", "ack"}, {"id", device->frames("msg").at(0).at("id")}});
  n.settle(); // the verdict finds nobody
  back_end late{n, 1};
  EXPECT_EQ(late.received(), "<eof>");
}

TEST(api_actor, shows_what_the_inspector_tells) {
  test::node n;
  std::vector<loop_inbox_actor> inboxes;
  for (size_t i : {0, 1})
    inboxes.push_back(caf::actor_cast<loop_inbox_actor>(n.at(i).inbox().self()));
  n.context().inspector = n.system().spawn(inspector, inspector_deps{{n.context().id, n.context().inc},
                                                                     inboxes,
                                                                     n.context().metrics,
                                                                     n.context().view,
                                                                     n.context().directory,
                                                                     false,
                                                                     nullptr});
  auto device = n.join(0, "d1");
  back_end caller{n, 1};
  caller.ask(n, http("POST", "/v1/devices/d1/messages", "1"));
  auto metrics = caller.ask(n, http("GET", "/metrics"));
  EXPECT_EQ(status_of(metrics), 200);
  EXPECT_NE(metrics.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
  EXPECT_NE(metrics.find("stentor_messages_total{"), std::string::npos) << metrics;
  auto rows = body_json(caller.ask(n, http("GET", "/v1/admin/actors?top=2")));
  EXPECT_EQ(rows.at("actors").size(), 2u);
  caf::anon_send_exit(n.context().inspector, caf::exit_reason::user_shutdown);
  n.context().inspector = nullptr;
  n.run_actors();
}

TEST(api_actor, renders_rows_of_actors) {
  actor_info row;
  row.name = "session";
  row.subject = "d\"1";
  row.loop = 1;
  row.id = 7;
  row.handled = 3;
  row.idle_ms = -1;
  EXPECT_EQ(render_actors({row}),
            R"({"actors":[{"name":"session","subject":"d\"1","loop":1,"id":7,"handled":3,)"
            R"("queued":0,"peak":0,"idle_ms":0}]})");
}
