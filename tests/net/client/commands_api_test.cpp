// SPDX-License-Identifier: Apache-2.0
#include "net/client/commands.hpp"

#include "tests/net/client/node_thread.hpp"
#include "tests/net/token_keys.hpp"

namespace stentor::net::client {
namespace {

class api_commands : public commands_fixture {};

TEST_F(api_commands, push_exits_by_the_verdict) {
  auto push = [this] { return run_push(io_, api(), to("d")); };
  auto start = "POST /v1/devices/d/messages?want=written HTTP/1.1\r\n";
  EXPECT_EQ(with_page(start,
                      page(200, R"({"id":"1","verdict":"written","via":{"node":"n"},"us":{"total":9}})"),
                      push),
            exit_code::good);
  EXPECT_EQ(said(), "d: written via n (9 us)\n");
  EXPECT_EQ(with_page(start, page(404, R"({"id":"1","verdict":"offline"})"), push), exit_code::not_delivered);
  EXPECT_EQ(with_page(start, page(504, R"({"id":"1","verdict":"unreachable","at":"sent"})"), push),
            exit_code::unknown);
  EXPECT_EQ(with_page(start, page(202, R"({"id":"1","verdict":null})"), push), exit_code::good);
  EXPECT_EQ(with_page(start, page(401, R"({"error":{"code":"unauthorized","message":"no key"}})"), push),
            exit_code::not_delivered);
  EXPECT_EQ(complained(), "stentorctl: status 401: no key\n");
  EXPECT_EQ(with_page(start, page(503, R"({"error":{"code":"overloaded","message":"x"}})"), push),
            exit_code::not_delivered);
  EXPECT_EQ(with_page(start, page(500, "oops"), push), exit_code::unknown);
  EXPECT_EQ(with_page(start, page(200, R"({"verdict":"marvellous"})"), push), exit_code::unknown);
  EXPECT_EQ(with_page(start, page(200, std::string(5000, '[')), push), exit_code::not_delivered);
  EXPECT_EQ(with_page(start, "", push), exit_code::unknown) << "hung up on";
}

TEST_F(api_commands, push_sends_every_option) {
  node_.set_pages({{"POST ", page(200, R"({"verdict":"acked"})")}});
  auto message = to("a b/c", R"({"n": 1})");
  message.want = "acked";
  message.ttl_ms = 5;
  message.timeout_ms = 6;
  message.key = "k 1";
  EXPECT_EQ(run_push(io_, api(), message), exit_code::good);
  auto request = node_.last_request();
  EXPECT_TRUE(request.starts_with(
      "POST /v1/devices/a%20b%2Fc/messages?want=acked&ttl_ms=5&timeout_ms=6 HTTP/1.1\r\n"))
      << request;
  EXPECT_NE(request.find("\r\nIdempotency-Key: k 1\r\n"), request.npos);
  EXPECT_NE(request.find("\r\nAuthorization: Bearer secret-key\r\n"), request.npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n{\"n\": 1}"));
}

TEST_F(api_commands, push_to_an_account_exits_by_the_worst_line) {
  auto message = to("alice");
  message.to_account = true;
  auto push = [&] { return run_push(io_, api(), message); };
  auto start = "POST /v1/accounts/alice/messages?";
  auto good = std::string{R"({"device":"a","verdict":"written"})"} + "\n";
  EXPECT_EQ(with_page(start, page(200, good + good), push), exit_code::good);
  EXPECT_EQ(said(), "a: written\na: written\n");
  EXPECT_EQ(with_page(start, page(200, good + R"({"device":"b","verdict":"offline"})"), push),
            exit_code::not_delivered);
  EXPECT_EQ(with_page(start, page(200, good + "broken\n"), push), exit_code::unknown);
  EXPECT_EQ(with_page(start, page(200, ""), push), exit_code::unknown);
}

TEST_F(api_commands, devices_and_actors_print_tables) {
  node_.set_pages(
      {{"GET /v1/accounts/a/devices ",
        page(200, R"({"account":"a","devices":[{"device":"d","node":"n"},{"device":7}]})")},
       {"GET /v1/accounts/b/devices ", page(200, R"({"devices":[]})")},
       {"GET /v1/admin/actors?top=3 ",
        page(
            200,
            R"({"actors":[{"name":"session","subject":"d","loop":1,"handled":12,"queued":0,"peak":2,"idle_ms":5}]})")}});
  EXPECT_EQ(run_devices(io_, api(), "a"), exit_code::good);
  EXPECT_NE(said().find("d: connected to n"), std::string::npos);
  EXPECT_EQ(run_devices(io_, api(), "b"), exit_code::good);
  EXPECT_EQ(said(), "no device of b is connected\n");
  EXPECT_EQ(run_actors(io_, api(), 3), exit_code::good);
  auto table = said();
  EXPECT_EQ(table.substr(table.find('\n') + 1),
            "session      d                               1          12       0       2         5\n");
}

TEST_F(api_commands, health_is_good_only_when_ready) {
  node_.set_pages({{"GET /healthz ", page(200, "ok")}, {"GET /readyz ", page(503, "draining")}});
  EXPECT_EQ(run_health(io_, api()), exit_code::not_delivered);
  EXPECT_EQ(said(), "alive, not ready: draining\n");
  node_.set_pages({{"GET /healthz ", page(200, "ok")}, {"GET /readyz ", page(200, "ok")}});
  EXPECT_EQ(run_health(io_, api()), exit_code::good);
  auto loop = std::move(*event_loop::make());
  auto gone = api();
  gone.url = "http://" + to_string(closed_address(*loop));
  EXPECT_EQ(run_health(io_, gone), exit_code::cannot_connect);
}

// -- tokens ----

TEST_F(api_commands, token_makes_tokens_that_verify) {
  token_options what;
  what.material = test::secret;
  what.kid = "h";
  what.device = "d";
  what.account = "a";
  what.targets = {"b"};
  ASSERT_EQ(run_token(io_, what, test::now_s), exit_code::good);
  auto text = said();
  const char *why = "";
  auto claims =
      test::make_verifier()->verify(std::string_view{text}.substr(0, text.size() - 1), test::now_s, why);
  ASSERT_TRUE(claims) << why;
  EXPECT_EQ(claims->expires_s, test::now_s + 3600);
  EXPECT_EQ(claims->allowed->accounts.size(), 1u);
  for (auto change : std::vector<std::function<void(token_options &)>>{
           [](auto &x) { x.material = "short"; }, [](auto &x) { x.device = "a b"; },
           [](auto &x) { x.account = ""; }, [](auto &x) { x.algorithm = "none"; },
           [](auto &x) { x.targets = {"a b"}; }, [](auto &x) { x.lifetime_s = 0; },
           [](auto &x) { x.lifetime_s = INT64_MAX; },
           [](auto &x) { x.lifetime_s = latest_exp_s - test::now_s + 1; }}) {
    auto bad = what;
    change(bad);
    EXPECT_EQ(run_token(io_, bad, test::now_s), exit_code::usage);
    EXPECT_EQ(said(), "");
  }
}

} // namespace
} // namespace stentor::net::client
