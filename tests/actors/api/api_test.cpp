// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api.hpp"

#include "tests/actors/api/api_fixture.hpp"

namespace stentor::actors {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view push_path = "/v1/devices/d1/messages";

// -- direct push ----

TEST(api, answers_a_direct_push_with_its_verdict) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", "/v1/devices/d%3A1/messages?want=acked&timeout_ms=700&ttl_ms=90", R"({"a":1})"));
  ASSERT_EQ(rig.messages.size(), 1u);
  auto &e = *rig.messages[0].message;
  EXPECT_EQ(e.to.str(), "d:1");
  EXPECT_EQ(e.from, nullptr);
  EXPECT_EQ(*e.data, R"({"a":1})");
  EXPECT_EQ(e.data_format, format::json);
  EXPECT_EQ(e.wants, want::acked);
  EXPECT_EQ(e.by, source::http);
  EXPECT_EQ(e.deadline - e.accepted_at, 700ms);
  EXPECT_EQ(e.expires - e.accepted_at, 90ms);
  EXPECT_EQ(rig.received(), "");
  rig.settle(rig.written());
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(body_of(answer).starts_with(
      R"({"id":"00000000000000000000000001","verdict":"written","via":{"node":"n1","epoch":5},"us":{"total":)"))
      << answer;
}

TEST(api, gives_every_verdict_its_status) {
  api_rig rig;
  rig.connect();
  for (size_t i = 0; i < verdict_count; ++i) {
    auto v = static_cast<verdict>(i);
    rig.send(http("POST", push_path, "1"));
    auto result = rig.of(v);
    if (v == verdict::duplicate)
      result.first = verdict::written;
    rig.settle(result);
    auto answer = rig.received();
    EXPECT_EQ(status_of(answer), http_status(v)) << answer;
    EXPECT_NE(answer.find("\"verdict\":\"" + std::string{to_string(v)} + "\""), std::string::npos) << answer;
    EXPECT_EQ(answer.find("Retry-After") != std::string::npos,
              v == verdict::limited || v == verdict::congested);
  }
}

TEST(api, tells_a_key_in_progress_and_a_key_with_another_body) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", push_path, "[1]", "Idempotency-Key: k1\r\n"));
  EXPECT_EQ(rig.messages[0].message->key, "k1");
  auto digest = rig.messages[0].message->key_digest;
  EXPECT_NE(digest, 0u);
  rig.settle(rig.of(verdict::duplicate));
  EXPECT_EQ(status_of(rig.received()), 409);
  rig.send(http("POST", push_path, "[2]", "Idempotency-Key: k1\r\n"));
  EXPECT_NE(rig.messages[0].message->key_digest, digest);
  auto other_body = rig.of(verdict::invalid);
  other_body.detail = details::other_body;
  rig.settle(other_body);
  EXPECT_EQ(status_of(rig.received()), 422);
}

TEST(api, answers_want_none_at_once_and_want_errors_always) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", "/v1/devices/d1/messages?want=none", "1"));
  EXPECT_EQ(rig.messages[0].ticket, 0u);
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 202);
  EXPECT_EQ(body_of(answer), R"({"id":"00000000000000000000000001","verdict":null})");
  rig.messages.clear();
  rig.send(http("POST", "/v1/devices/d1/messages?want=errors", "1"));
  EXPECT_EQ(rig.messages[0].message->wants, want::errors);
  rig.settle(rig.written());
  EXPECT_EQ(status_of(rig.received()), 200);
}

TEST(api, takes_messagepack_payloads) {
  api_rig rig;
  rig.connect();
  rig.send(
      http("POST", push_path, std::string{"\x81\xa1\x61\x01", 4}, "Content-Type: application/msgpack\r\n"));
  ASSERT_EQ(rig.messages.size(), 1u);
  EXPECT_EQ(rig.messages[0].message->data_format, format::msgpack);
}

TEST(api, sends_pipelined_pushes_strictly_one_after_another) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", push_path, "1") + http("POST", push_path, "2"));
  ASSERT_EQ(rig.messages.size(), 1u);
  EXPECT_EQ(*rig.messages[0].message->data, "1");
  rig.settle(rig.written());
  ASSERT_EQ(rig.messages.size(), 1u);
  EXPECT_EQ(*rig.messages[0].message->data, "2");
}

TEST(api, caps_timeouts_and_has_a_default) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", "/v1/devices/d1/messages?timeout_ms=2000000000", "1"));
  auto &capped = *rig.messages[0].message;
  EXPECT_EQ(capped.deadline - capped.accepted_at, rig.lim.max_timeout);
  EXPECT_EQ(capped.expires, time_point::max());
  rig.settle(rig.written());
  rig.send(http("POST", push_path, "1"));
  auto &plain = *rig.messages[0].message;
  EXPECT_EQ(plain.deadline - plain.accepted_at, rig.lim.default_timeout);
}

TEST(api, refuses_bad_pushes_and_keeps_the_connection) {
  struct {
    std::string request;
    int status;
    const char *code;
  } cases[] = {
      {http("POST", "/v1/devices/a%20b/messages", "1"), 400, "invalid_id"},
      {http("POST", "/v1/devices/" + std::string(129, 'x') + "/messages", "1"), 400, "invalid_id"},
      {http("POST", push_path, ""), 400, "malformed"},
      {http("POST", push_path, "{"), 400, "malformed"},
      {http("POST", push_path, "1 2"), 400, "malformed"},
      {http("POST", push_path, std::string(40, '[') + std::string(40, ']')), 400, "too_deep"},
      {http("POST", "/v1/devices/d1/messages?want=all", "1"), 400, "malformed"},
      {http("POST", push_path, "1", "Idempotency-Key: \r\n"), 400, "malformed"},
      {http("POST", push_path, "1", "Idempotency-Key: " + std::string(129, 'k') + "\r\n"), 400, "malformed"},
      {http("GET", "/v1/devices/a%20b"), 400, "invalid_id"},
      {http("GET", "/v1/nothing"), 404, "not_found"},
      {http("GET", push_path), 405, "method"},
      {http("GET", "/v1/devices/%zz"), 400, "malformed"},
      {http("GET", "/v1/admin/actors?top=0"), 400, "malformed"},
      {http("GET", "/v1/admin/actors?x=1&top=1001"), 400, "malformed"},
      {http("GET", "/v1/admin/actors?top=%zz"), 400, "malformed"},
      {http("GET", "/v1/admin/actors?top=3x"), 400, "malformed"},
  };
  api_rig rig;
  rig.connect();
  for (auto &c : cases) {
    rig.send(c.request);
    auto answer = rig.received();
    EXPECT_EQ(status_of(answer), c.status) << c.request << answer;
    EXPECT_NE(answer.find(std::string{"{\"error\":{\"code\":\""} + c.code), std::string::npos) << answer;
    EXPECT_EQ(answer.find("<eof>"), std::string::npos) << c.request;
  }
  EXPECT_TRUE(rig.messages.empty());
}

TEST(api, refuses_other_types_and_sizes_of_payload) {
  for (auto &[request, status] :
       {std::pair{http("POST", push_path, "1", "Content-Type: text/plain\r\n"), 415},
        std::pair{http("POST", "/v1/messages", "1", "Content-Type: application/json\r\n"), 415},
        std::pair{http("POST", push_path, std::string(64 * 1024 + 1, '1')), 413}}) {
    api_rig rig;
    rig.connect();
    rig.send(request.substr(0, 1000));
    EXPECT_EQ(status_of(rig.received()), status);
  }
}

TEST(api, names_the_methods_of_a_path) {
  api_rig rig;
  rig.connect();
  rig.send(http("DELETE", push_path));
  EXPECT_NE(rig.received().find("Allow: POST\r\n"), std::string::npos);
}

TEST(api, forgets_the_answer_of_a_connection_that_is_gone) {
  api_rig rig;
  auto peer = rig.connect();
  rig.send(http("POST", push_path, "1"));
  rig.hang_up(peer);
  EXPECT_EQ(rig.back_end_api->connections(), 1u); // until its verdict is in
  rig.settle(rig.written());
  EXPECT_EQ(rig.back_end_api->connections(), 0u);
  EXPECT_EQ(rig.back_end_api->open_tickets(), 0u);
}

// -- who may come in ----

TEST(api, wants_a_key_everywhere_but_for_its_health) {
  api_rig rig{{false, {"k1", "k2"}, {}}};
  rig.connect();
  for (auto path : {"/v1/devices/d1", "/metrics", "/v1/admin/actors", "/v1/nothing"}) {
    rig.send(http("GET", path));
    auto answer = rig.received();
    EXPECT_EQ(status_of(answer), 401) << path;
    EXPECT_NE(answer.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
  }
  rig.send(http("GET", "/healthz"));
  EXPECT_EQ(status_of(rig.received()), 200);
  rig.send(http("GET", "/readyz"));
  EXPECT_EQ(status_of(rig.received()), 200);
  rig.send(http("POST", push_path, "1", "Authorization: Bearer k2\r\n"));
  EXPECT_EQ(rig.messages.size(), 1u);
  EXPECT_EQ(rig.rejected["api_key"], 4);
}

TEST(api, answers_probes_of_http_1_0_without_a_host) {
  api_rig rig{{false, {"k1"}, {}}};
  for (auto path : {"/healthz", "/readyz"}) {
    auto peer = rig.connect();
    rig.send("GET " + std::string{path} + " HTTP/1.0\r\n\r\n", peer);
    EXPECT_TRUE(rig.received(peer).starts_with("HTTP/1.0 200 OK\r\n")) << path;
  }
}

TEST(api, lets_nobody_in_without_keys_unless_it_is_open) {
  api_rig rig{{false, {}, {}}};
  rig.connect();
  rig.send(http("GET", "/metrics", {}, "Authorization: Bearer \r\n"));
  EXPECT_EQ(status_of(rig.received()), 401);
}

TEST(api, refuses_foreign_origins_even_when_open) {
  api_rig rig{{true, {}, {"https://console.example"}}};
  rig.connect();
  for (auto path : {"/healthz", "/v1/devices/d1", "/nothing"}) {
    rig.send(http("GET", path, {}, "Origin: http://evil.example\r\n"));
    EXPECT_EQ(status_of(rig.received()), 403) << path;
  }
  rig.send(http("GET", "/healthz", {}, "Origin: null\r\n"));
  EXPECT_EQ(status_of(rig.received()), 403);
  rig.send(http("GET", "/healthz", {}, "Origin:\r\n"));
  EXPECT_EQ(status_of(rig.received()), 403);
  rig.send(http("GET", "/healthz", {}, "Origin: https://console.example\r\n"));
  EXPECT_EQ(status_of(rig.received()), 200);
  EXPECT_EQ(rig.rejected["origin"], 5);
}

TEST(api, turns_connections_away_over_the_limit) {
  api_rig rig;
  rig.lim.max_http_connections = 1;
  rig.connect();
  auto second = rig.connect();
  auto answer = rig.received(second);
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_TRUE(answer.ends_with(R"(try later"}})"
                               "<eof>"));
  auto length = std::stoul(answer.substr(answer.find("Content-Length: ") + 16));
  EXPECT_EQ(length + 5, body_of(answer).size());
}

// -- questions ----

TEST(api, tells_where_a_device_is) {
  api_rig rig;
  rig.connect();
  rig.send(http("GET", "/v1/devices/d1"));
  ASSERT_EQ(rig.questions.size(), 1u);
  EXPECT_EQ(rig.questions[0].what, "device d1");
  storage::record found;
  found.device = device_id::trusted("d1");
  found.account = account_id::trusted("acme");
  found.at.node = node_id::trusted("n7");
  found.at.ep = 12;
  rig.back_end_api->on_device(rig.questions[0].ticket, std::optional{found});
  rig.turn();
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), R"({"device":"d1","account":"acme","node":"n7","epoch":12,"connected":true})");
}

TEST(api, tells_an_absent_device_from_an_absent_directory) {
  api_rig rig;
  rig.connect();
  rig.send(http("GET", "/v1/devices/d1"));
  rig.back_end_api->on_device(rig.questions[0].ticket, std::optional<storage::record>{});
  rig.turn();
  auto absent = rig.received();
  EXPECT_EQ(status_of(absent), 404);
  EXPECT_NE(absent.find(R"("connected":false)"), std::string::npos);
  rig.send(http("GET", "/v1/devices/d1"));
  rig.back_end_api->on_device(rig.questions[1].ticket, make_error(errc::unavailable));
  rig.turn();
  EXPECT_EQ(status_of(rig.received()), 503);
}

TEST(api, lists_the_devices_of_an_account) {
  api_rig rig;
  rig.connect();
  rig.send(http("GET", "/v1/accounts/acme/devices"));
  EXPECT_EQ(rig.questions[0].what, "account acme");
  std::vector<storage::record> found(2);
  found[0].device = device_id::trusted("d1");
  found[1].device = device_id::trusted("d2");
  rig.back_end_api->on_devices(rig.questions[0].ticket, found);
  rig.turn();
  auto body = body_of(rig.received());
  EXPECT_TRUE(body.starts_with(R"({"account":"acme","devices":[{"device":"d1",)")) << body;
  EXPECT_NE(body.find(R"(},{"device":"d2",)"), std::string::npos) << body;
}

TEST(api, passes_metrics_and_top_actors_through) {
  api_rig rig;
  rig.connect();
  rig.send(http("GET", "/metrics") + http("GET", "/v1/admin/actors?top=7") + http("GET", "/v1/admin/actors"));
  EXPECT_EQ(rig.questions[0].what, "metrics");
  rig.back_end_api->on_text(rig.questions[0].ticket, "text/plain; version=0.0.4", std::string{"a 1\n"});
  rig.turn();
  auto answer = rig.received();
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "a 1\n");
  EXPECT_EQ(rig.questions[1].what, "actors 7");
  rig.back_end_api->on_text(rig.questions[1].ticket, "application/json", make_error(errc::timed_out));
  rig.turn();
  EXPECT_EQ(status_of(rig.received()), 503);
  EXPECT_EQ(rig.questions[2].what, "actors 50");
}

TEST(api, finds_a_parameter_wherever_it_stands_in_the_query) {
  api_rig rig;
  rig.connect();
  std::string all;
  for (auto query : {"x=1&top=3", "top=3&x=1", "x&y=%zz&top=%33", "top=3&top=4"})
    all += http("GET", std::string{"/v1/admin/actors?"} + query);
  all += http("GET", "/v1/admin/actors?stop=9") + http("GET", "/v1/admin/actors?x=top=9");
  rig.send(all);
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_EQ(rig.questions.size(), i + 1);
    EXPECT_EQ(rig.questions[i].what, i < 4 ? "actors 3" : "actors 50");
    rig.back_end_api->on_text(rig.questions[i].ticket, "application/json", std::string{"[]"});
    rig.turn();
  }
}

TEST(api, says_why_it_is_not_ready) {
  api_rig rig;
  rig.connect();
  rig.not_ready_because = "directory";
  rig.send(http("GET", "/readyz"));
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(body_of(answer), R"({"status":"directory"})");
}

TEST(api, drains_idle_connections_at_once_and_busy_ones_after_their_answer) {
  api_rig rig;
  auto idle = rig.connect();
  auto busy = rig.connect();
  rig.send(http("POST", push_path, "1"), busy);
  rig.back_end_api->drain();
  rig.turn();
  EXPECT_EQ(rig.received(idle), "<eof>");
  EXPECT_EQ(rig.received(busy), "");
  rig.settle(rig.written());
  auto answer = rig.received(busy);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("<eof>"));
}

} // namespace
} // namespace stentor::actors
