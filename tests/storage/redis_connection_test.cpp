// SPDX-License-Identifier: Apache-2.0
// The connection against a real redis-server in trouble, and against one that says what a real one seldom
// does.
#include "storage/redis_connection.hpp"

#include "tests/storage/fake_redis.hpp"
#include "tests/storage/redis_server_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace stentor::storage::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr redis_limits eager{1000ms, 3000ms, 0ms, 0ms};
constexpr std::array<std::string_view, 2> scripts{"return ARGV[1]", "return {KEYS[1], 7, false}"};

redis_pipeline ping() {
  redis_pipeline x;
  x.add({"PING"});
  return x;
}

bool answers(redis_connection &x) {
  if (x.ready())
    return false;
  auto replies = x.run(ping());
  return replies && replies->size() == 1 && replies->at(0).text == "PONG";
}

auto taken_by(auto &&what) {
  auto began = steady_clock::now();
  what();
  return steady_clock::now() - began;
}

TEST(redis_connection, reads_every_kind_of_reply_in_order) {
  auto &server = redis_server::shared();
  redis_connection x{server.url(), eager, scripts};
  ASSERT_FALSE(x.ready());
  EXPECT_EQ(x.run_id().size(), 40u);
  redis_pipeline commands;
  commands.add({"SET", "key", std::string_view{"a\0b", 3}});
  commands.add({"GET", "key"});
  commands.add({"GET", "absent"});
  commands.add({"STRLEN", "key"});
  commands.add({"INCR", "key"});
  commands.eval(x.sha(1), std::vector<std::string>{"key"}, {});
  auto replies = x.run(commands);
  ASSERT_TRUE(replies);
  ASSERT_EQ(replies->size(), 6u);
  EXPECT_EQ(replies->at(0).text, "OK");
  EXPECT_EQ(replies->at(1).text, (std::string{"a\0b", 3}));
  EXPECT_TRUE(replies->at(2).is_nil());
  EXPECT_EQ(replies->at(3).integer, 3);
  EXPECT_TRUE(replies->at(4).is_error());
  EXPECT_EQ(x.error_of(replies->at(4)), errc::unavailable);
  EXPECT_FALSE(x.error_of(replies->at(3)));
  EXPECT_EQ(replies->at(5).at(0).text, "key");
  EXPECT_EQ(replies->at(5).at(1).integer, 7);
  EXPECT_TRUE(replies->at(5).at(2).is_nil());
}

TEST(redis_connection, carries_a_pipeline_of_large_replies_and_commands) {
  auto &server = redis_server::shared();
  redis_connection x{server.url(), eager, {}};
  ASSERT_FALSE(x.ready());
  std::string large(300'000, 'x');
  redis_pipeline commands;
  for (size_t i = 0; i < 128; ++i)
    commands.add({"ECHO", large});
  auto replies = x.run(commands);
  ASSERT_TRUE(replies) << render(replies.error());
  EXPECT_TRUE(std::ranges::all_of(*replies, [&](auto &r) { return r.text == large; }));
}

TEST(redis_connection, loads_forgotten_scripts_and_repeats_only_their_commands) {
  auto &server = redis_server::shared();
  redis_connection x{server.url(), eager, scripts};
  ASSERT_FALSE(x.ready());
  redis_pipeline commands;
  commands.add({"INCR", "n"});
  commands.eval(x.sha(0), {}, std::vector<std::string>{"before"});
  commands.add({"SCRIPT", "FLUSH"});
  commands.eval(x.sha(0), {}, std::vector<std::string>{"after"});
  commands.add({"INCR", "n"});
  commands.eval(x.sha(1), std::vector<std::string>{"key"}, {});
  auto replies = x.run(commands);
  ASSERT_TRUE(replies);
  EXPECT_EQ(replies->at(0).integer, 1);
  EXPECT_EQ(replies->at(1).text, "before");
  EXPECT_EQ(replies->at(3).text, "after");
  EXPECT_EQ(replies->at(4).integer, 2) << "not repeated";
  EXPECT_EQ(replies->at(5).at(0).text, "key");
}

TEST(redis_connection, connects_by_a_socket_file) {
  redis_server server{{"--unixsocket", "redis.sock"}};
  redis_url url;
  url.path = server.dir() + "/redis.sock";
  url.db = 3;
  redis_connection x{url, eager, {}};
  EXPECT_TRUE(answers(x));
}

// -- trouble ----

TEST(redis_connection, says_where_nothing_listens_and_how_to_mend_it) {
  redis_server server;
  server.kill();
  redis_connection x{server.url(), {1000ms, 3000ms, 10s, 10s}, {}};
  caf::error failure;
  EXPECT_LT(taken_by([&] { failure = x.ready(); }), 1s);
  EXPECT_EQ(failure, errc::unavailable);
  auto text = render(failure);
  EXPECT_NE(text.find("redis at 127.0.0.1:" + std::to_string(server.port())), std::string::npos) << text;
  EXPECT_NE(text.find("Connection refused; start it, or correct the directory's URL"), std::string::npos)
      << text;
  server.start();
  EXPECT_EQ(render(x.ready()), text) << "not tried again within the pause";
  auto unsent = x.run(ping());
  ASSERT_FALSE(unsent);
  EXPECT_EQ(unsent.error(), errc::unavailable);
  redis_connection eager_one{server.url(), eager, {}};
  EXPECT_TRUE(answers(eager_one));
}

TEST(redis_connection, comes_back_by_itself_after_the_server_did) {
  redis_server server;
  redis_connection x{server.url(), eager, scripts};
  ASSERT_TRUE(answers(x));
  auto run = x.run_id();
  for (int i = 0; i < 2; ++i) {
    server.kill();
    EXPECT_EQ(x.ready(), errc::unavailable);
    EXPECT_EQ(x.ready(), errc::unavailable);
    server.start();
    ASSERT_FALSE(x.ready());
    redis_pipeline commands;
    commands.eval(x.sha(0), {}, std::vector<std::string>{"again"});
    auto replies = x.run(commands);
    ASSERT_TRUE(replies);
    EXPECT_EQ(replies->at(0).text, "again");
    EXPECT_NE(std::exchange(run, x.run_id()), x.run_id());
  }
}

TEST(redis_connection, does_not_die_of_sending_to_a_server_that_died) {
  redis_server server;
  redis_connection x{server.url(), eager, {}};
  ASSERT_TRUE(answers(x));
  server.kill();
  redis_pipeline large; // the write behind the answer "closed" raises SIGPIPE where it is not held back
  for (size_t i = 0; i < 128; ++i)
    large.add({"ECHO", std::string(100'000, 'x')});
  for (int i = 0; i < 3; ++i) {
    auto replies = x.run(large);
    ASSERT_FALSE(replies);
    EXPECT_TRUE(replies.error() == errc::timed_out || replies.error() == errc::unavailable);
  }
}

TEST(redis_connection, gives_a_frozen_server_up_in_time_and_takes_it_again) {
  redis_server server;
  redis_connection x{server.url(), {300ms, 500ms, 0ms, 0ms}, {}};
  ASSERT_TRUE(answers(x));
  server.freeze();
  ASSERT_FALSE(x.ready());
  caf::error failure;
  auto time = taken_by([&] { failure = x.run(ping()).error(); });
  EXPECT_EQ(failure, errc::timed_out);
  EXPECT_GE(time, 450ms);
  EXPECT_LT(time, 1500ms);
  // The kernel still accepts for it: connecting works, the greeting is what times out.
  time = taken_by([&] { failure = x.ready(); });
  EXPECT_EQ(failure, errc::unavailable);
  EXPECT_GE(time, 250ms);
  EXPECT_LT(time, 1300ms);
  server.thaw();
  EXPECT_TRUE(answers(x));
}

TEST(redis_connection, pauses_longer_after_each_failure) {
  redis_server server;
  server.kill();
  redis_connection x{server.url(), {1000ms, 3000ms, 20ms, 60ms}, {}};
  ASSERT_TRUE(x.ready());
  auto attempts = [&](std::chrono::milliseconds time) {
    // Every real attempt fails anew and so takes a system call; the remembered answer takes none. Told apart
    // by a server that is there for a moment only.
    auto until = steady_clock::now() + time;
    while (steady_clock::now() < until)
      if (!x.ready())
        return true;
    return false;
  };
  EXPECT_FALSE(attempts(200ms));
  server.start();
  EXPECT_TRUE(attempts(1s)) << "the longest pause is 60 ms";
}

// -- bytes no good server sends ----

caf::error answer_of(fake_redis::behaviour how, redis_limits limits = {500ms, 500ms, 0ms, 0ms}) {
  fake_redis server{std::move(how)};
  redis_connection x{server.url(), limits, {}};
  if (auto failure = x.ready())
    return failure;
  auto replies = x.run(ping());
  return replies ? x.error_of(replies->at(0)) : replies.error();
}

fake_redis::behaviour saying(std::string answer, bool close_after = false) {
  fake_redis::behaviour x;
  x.answer = std::move(answer);
  x.close_after = close_after;
  return x;
}

TEST(redis_connection, takes_error_replies_for_an_unavailable_store) {
  for (auto text :
       {"LOADING Redis is loading the dataset in memory", "READONLY You can't write", "OOM command",
        "MASTERDOWN", "CLUSTERDOWN", "MOVED 3999 127.0.0.1:6381", "BUSY", "MISCONF", "ERR x"}) {
    auto failure = answer_of(saying("-" + std::string{text} + "\r\n"));
    EXPECT_EQ(failure, errc::unavailable) << text;
    EXPECT_NE(render(failure).find(text), std::string::npos) << text;
  }
  EXPECT_FALSE(answer_of(saying("+PONG\r\n")));
}

TEST(redis_connection, drops_a_connection_whose_server_became_a_replica) {
  fake_redis server{saying("-READONLY You can't write against a read only replica.\r\n")};
  redis_connection x{server.url(), eager, {}};
  for (int i = 1; i <= 2; ++i) {
    ASSERT_FALSE(x.ready());
    ASSERT_TRUE(x.run(ping()));
    EXPECT_EQ(server.connections(), i);
  }
}

TEST(redis_connection, drops_a_connection_that_sent_what_is_no_reply) {
  for (auto text : {"?\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "\x16\x03\x01\r\n"}) {
    auto failure = answer_of(saying(text));
    EXPECT_EQ(failure, errc::timed_out) << text;
  }
}

TEST(redis_connection, takes_an_end_within_a_reply_for_an_unknown_outcome) {
  for (auto text : {"", "+PO", "$100\r\nabc", "*2\r\n+a\r\n"}) {
    auto failure = answer_of(saying(text, true));
    EXPECT_EQ(failure, errc::timed_out) << text;
  }
}

TEST(redis_connection, bounds_a_reply_that_dribbles_as_a_whole) {
  auto how = saying("$20\r\naaaaaaaaaaaaaaaaaaaa\r\n");
  how.dribble = 50ms; // each byte well within the limit, all of them not
  auto time = taken_by([&] { EXPECT_EQ(answer_of(how), errc::timed_out); });
  EXPECT_LT(time, 1200ms);
}

TEST(redis_connection, does_not_use_a_connection_with_bytes_nobody_asked_for) {
  fake_redis server{saying("+PONG\r\n+STRAY\r\n")};
  redis_connection x{server.url(), eager, {}};
  EXPECT_TRUE(answers(x));
  while (server.connections() == 1) // until the stray reply has arrived and been noticed
    EXPECT_TRUE(answers(x));
  EXPECT_EQ(server.connections(), 2);
}

TEST(redis_connection, repeats_nothing_on_a_connection_it_has_just_given_up) {
  fake_redis server{saying("-NOSCRIPT No matching script. Please use EVAL.\r\n+STRAY\r\n")};
  redis_connection x{server.url(), eager, {}};
  ASSERT_FALSE(x.ready());
  auto replies = x.run(ping());
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error(), errc::timed_out);
  EXPECT_EQ(x.run(ping()).error(), errc::unavailable) << "until it is connected again";
}

} // namespace
} // namespace stentor::storage::test
