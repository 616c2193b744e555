// SPDX-License-Identifier: Apache-2.0
#include "net/client/http_client.hpp"

#include "tests/net/client/client_fixture.hpp"

namespace stentor::net::client {
namespace {

class http_client_test : public testing::Test {
protected:
  http_client_test() : loop_{std::move(*event_loop::make())}, clock_{*loop_}, server_{*loop_} {
    http_options options;
    options.at = server_.at();
    options.host = server_.host();
    options.api_key = "key";
    options.max_waiting = 3;
    options.max_body_bytes = 1000;
    client_ = std::make_unique<http_client>(*loop_, options);
  }

  void get(std::string target) { send({"GET", std::move(target), {}, {}}); }
  void send(http_request request) {
    auto failure = client_->send(std::move(request), [this](caf::expected<http_response> x) {
      answers_.push_back(x ? std::to_string(x->status) + ' ' + x->body : "failed");
      errors_.push_back(x ? caf::error{} : x.error());
    });
    ASSERT_FALSE(failure) << render(failure);
  }
  /// Waits for a request, which ends in `end`, and returns it.
  std::string next_request(std::string_view end = "\r\n\r\n", size_t connection = 1) {
    EXPECT_TRUE(turn_until(
        *loop_, [&] { return server_.peers.size() == connection && server_.got().ends_with(end); }));
    return server_.peers.empty() ? "" : std::exchange(server_.got(), {});
  }
  void reply(std::string_view text) { server_.peers.back()->send(text); }
  void expect_answers(size_t count) {
    ASSERT_TRUE(turn_until(*loop_, [&] { return answers_.size() == count; })) << answers_.size();
  }

  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  raw_server server_;
  std::unique_ptr<http_client> client_;
  std::vector<std::string> answers_;
  std::vector<caf::error> errors_;
};

TEST_F(http_client_test, asks_one_after_the_other_over_one_connection) {
  get("/a");
  send({"POST", "/b", "body", {{"X-Y", "z"}}});
  auto first = next_request();
  EXPECT_TRUE(first.starts_with("GET /a HTTP/1.1\r\nHost: 127.0.0.1:")) << first;
  EXPECT_NE(first.find("\r\nAuthorization: Bearer key\r\n"), first.npos);
  EXPECT_EQ(first.find("Content-Length"), first.npos);
  reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  auto second = next_request("body");
  EXPECT_TRUE(second.starts_with("POST /b HTTP/1.1\r\n"));
  EXPECT_NE(second.find("\r\nX-Y: z\r\n"), second.npos);
  EXPECT_NE(second.find("\r\nContent-Length: 4\r\n"), second.npos);
  reply("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n");
  expect_answers(2);
  EXPECT_EQ(answers_, (std::vector<std::string>{"200 one", "404 two"}));
  EXPECT_EQ(client_->connects(), 1u);
}

TEST_F(http_client_test, connects_again_after_the_server_closed) {
  get("/a");
  next_request();
  reply("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  expect_answers(1);
  get("/b");
  next_request("\r\n\r\n", 2);
  reply("HTTP/1.1 204 OK\r\n\r\n");
  expect_answers(2);
  server_.peers.back()->hang_up(); // idle
  loop_->run_turn(std::chrono::milliseconds{5});
  get("/c");
  next_request("\r\n\r\n", 3);
  reply("HTTP/1.1 200 OK\r\n\r\nto the end");
  server_.peers.back()->hang_up();
  expect_answers(3);
  EXPECT_EQ(answers_.back(), "200 to the end");
}

TEST_F(http_client_test, says_unavailable_where_nothing_listens) {
  http_options options;
  options.at = closed_address(*loop_);
  options.host = "gone";
  client_ = std::make_unique<http_client>(*loop_, options);
  get("/a");
  get("/b");
  expect_answers(2);
  EXPECT_EQ(errors_[0], errc::unavailable);
  EXPECT_EQ(errors_[1], errc::unavailable);
}

TEST_F(http_client_test, says_unknown_where_the_connection_ends_before_the_answer) {
  get("/a");
  next_request();
  reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  server_.peers.back()->hang_up();
  expect_answers(1);
  EXPECT_EQ(errors_[0], errc::timed_out);
}

TEST_F(http_client_test, says_unknown_where_no_answer_comes_and_asks_the_next_elsewhere) {
  get("/a");
  get("/b");
  next_request();
  clock_.pass(std::chrono::milliseconds{10'000});
  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_EQ(errors_.at(0), errc::timed_out);
  EXPECT_TRUE(next_request("\r\n\r\n", 2).starts_with("GET /b "));
  server_.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
  reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
  expect_answers(2);
  EXPECT_EQ(answers_[1], "200 b") << "a late answer belongs to nobody";
}

TEST_F(http_client_test, refuses_answers_that_are_too_large_or_not_http) {
  for (std::string bad : {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "hello\r\n\r\n",
                          "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    get("/a");
    next_request("\r\n\r\n", server_.peers.size() + 1);
    reply(bad);
    expect_answers(1);
    EXPECT_EQ(errors_[0], errc::malformed) << bad;
    answers_.clear();
    errors_.clear();
  }
}

TEST_F(http_client_test, distrusts_a_connection_that_says_more_than_asked) {
  get("/a");
  next_request();
  reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  expect_answers(1);
  get("/b");
  next_request("\r\n\r\n", 2);
  reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
  expect_answers(2);
  EXPECT_EQ(answers_[1], "200 b");
}

TEST_F(http_client_test, bounds_its_queue_and_its_requests) {
  auto none = [](caf::expected<http_response>) { FAIL() << "refused requests get no call"; };
  for (int i = 0; i < 4; ++i)
    get("/a");
  EXPECT_EQ(client_->send({}, none), errc::overloaded);
  client_.reset();
  http_client other{*loop_, {}};
  EXPECT_EQ(other.send({"GET", "/a b", {}, {}}, none), errc::config);
  EXPECT_EQ(other.send({"GET", "/a\r\nX: y", {}, {}}, none), errc::config);
  EXPECT_EQ(other.send({"GET", "a", {}, {}}, none), errc::config);
  EXPECT_EQ(other.send({"GET", "/", {}, {{"A", "b\r\nc"}}}, none), errc::config);
}

TEST_F(http_client_test, may_be_destroyed_inside_an_answer) {
  auto told = false;
  auto failure = client_->send({}, [&](caf::expected<http_response>) {
    client_.reset();
    told = true;
  });
  ASSERT_FALSE(failure);
  next_request();
  reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(turn_until(*loop_, [&] { return told; }));
}

// -- addresses ----

TEST(parse_url, reads_hosts_ports_and_targets) {
  auto x = *parse_url("ws://host:81/v1/connect?a=b", "ws", 80);
  EXPECT_EQ(x.host, "host");
  EXPECT_EQ(x.port, 81);
  EXPECT_EQ(x.target, "/v1/connect?a=b");
  EXPECT_EQ(x.authority(), "host:81");
  EXPECT_EQ(parse_url("host", "ws", 7400)->authority(), "host:7400");
  EXPECT_EQ(parse_url("http://[::1]:9/", "http", 80)->authority(), "[::1]:9");
  EXPECT_EQ(parse_url("[::1]", "http", 80)->host, "::1");
}

TEST(parse_url, refuses_what_is_not_one) {
  for (auto bad :
       {"", "ws://", "http://host", "wss://host", "ws://host:0", "ws://host:65536", "ws://host:x",
        "ws://host:", "ws://[::1", "ws://[::1]x", "ws://u@host", "ws://ho st", "ws://host/\r\nX", "#x"}) {
    auto x = parse_url(bad, "ws", 80);
    ASSERT_FALSE(x) << bad;
    EXPECT_EQ(x.error(), errc::config);
  }
}

} // namespace
} // namespace stentor::net::client
