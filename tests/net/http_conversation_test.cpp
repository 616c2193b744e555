// SPDX-License-Identifier: Apache-2.0
#include "net/http_conversation.hpp"

#include <gtest/gtest.h>

#include "tests/net/http_fixture.hpp"

#include <chrono>
#include <random>

namespace stentor::net {
namespace {

std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{headers} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{headers} + "\r\n";
}

std::string chunked(std::string_view path, std::string_view chunks) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string{chunks};
}

std::string answer(std::string_view status, std::string_view body, std::string_view more = {}) {
  return "HTTP/1.1 " + std::string{status} +
         "\r\nDate: Sun, 09 Sep 2001 01:46:40 GMT\r\nContent-Type: text/plain\r\n" + std::string{more} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

/// The first status line of what was answered.
int status_of(const http_rig &rig) {
  return rig.transport.out.size() < 12 ? 0 : std::stoi(rig.transport.out.substr(9, 3));
}

// -- requests and answers ----

TEST(http_conversation, answers_a_request_that_came_in_one_piece) {
  http_rig rig;
  rig.feed(post("/now?want=acked", "hello", "X-One:  a b \r\nContent-Type: application/json\r\n"));
  EXPECT_EQ(rig.events.log,
            "POST /now?want=acked x-one=a b content-type=application/json\nrequest /now [hello]\n");
  EXPECT_EQ(rig.transport.out, answer("200 OK", "hello"));
  EXPECT_FALSE(rig.transport.closed);
}

TEST(http_conversation, answers_an_absolute_target_by_its_path) {
  http_rig rig;
  rig.feed(get("http://host:1/now?x=1"));
  EXPECT_EQ(rig.events.log, "GET /now?x=1\nrequest /now []\n");
}

TEST(http_conversation, gives_head_the_head_of_the_answer_only) {
  http_rig rig;
  rig.feed("HEAD /later HTTP/1.1\r\nHost: h\r\n\r\n");
  rig.conversation.respond(200, "text/plain", "four");
  auto whole = answer("200 OK", "four");
  EXPECT_EQ(rig.transport.out, whole.substr(0, whole.size() - 4));
}

TEST(http_conversation, keeps_the_answers_of_pipelined_requests_in_order) {
  http_rig rig;
  rig.feed(get("/later") + get("/now") + get("/later"));
  EXPECT_EQ(rig.events.log, "GET /later\nrequest /later []\n");
  EXPECT_EQ(rig.transport.out, "");
  rig.conversation.respond(200, "text/plain", "first");
  EXPECT_EQ(rig.transport.out, answer("200 OK", "first") + answer("200 OK", ""));
  rig.conversation.respond(200, "text/plain", "third");
  EXPECT_EQ(rig.transport.out, answer("200 OK", "first") + answer("200 OK", "") + answer("200 OK", "third"));
}

TEST(http_conversation, reads_no_further_while_many_pipelined_bytes_wait) {
  http_rig rig;
  rig.feed(get("/later"));
  EXPECT_TRUE(rig.transport.reading);
  std::string many;
  while (many.size() <= 16 * 1024)
    many += get("/now");
  rig.feed(many);
  EXPECT_FALSE(rig.transport.reading);
  rig.conversation.respond(200, "text/plain", "");
  EXPECT_TRUE(rig.transport.reading);
  EXPECT_EQ(static_cast<size_t>(rig.answers), 1 + many.size() / get("/now").size());
}

TEST(http_conversation, ignores_an_answer_nobody_asked_for) {
  http_rig rig;
  rig.conversation.respond(200, "text/plain", "early");
  rig.feed(get("/now"));
  rig.conversation.respond(200, "text/plain", "late");
  EXPECT_EQ(rig.transport.out, answer("200 OK", ""));
}

TEST(http_conversation, closes_after_the_answer_where_the_client_wants_it) {
  http_rig rig;
  rig.feed(get("/now", "Connection: close\r\n") + get("/now"));
  EXPECT_EQ(rig.transport.out, answer("200 OK", "", "Connection: close\r\n"));
  EXPECT_TRUE(rig.transport.closed);
}

TEST(http_conversation, closes_a_1_0_connection_unless_asked_to_keep_it) {
  http_rig plain;
  plain.feed("GET /now HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(plain.transport.closed);
  http_rig kept;
  kept.feed("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(kept.transport.closed);
  EXPECT_NE(kept.transport.out.find("HTTP/1.0 200 OK\r\n"), std::string::npos);
  EXPECT_NE(kept.transport.out.find("Connection: keep-alive\r\n"), std::string::npos);
}

TEST(http_conversation, sends_100_continue_before_the_body_comes) {
  http_rig rig;
  auto request = post("/now", "body", "Expect: 100-continue\r\n");
  rig.feed(request.substr(0, request.size() - 4));
  EXPECT_EQ(rig.transport.out, "HTTP/1.1 100 Continue\r\n\r\n");
  rig.feed("body");
  EXPECT_EQ(rig.transport.out, "HTTP/1.1 100 Continue\r\n\r\n" + answer("200 OK", "body"));
}

TEST(http_conversation, refuses_instead_of_100_continue) {
  http_rig rig;
  rig.feed("POST /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(status_of(rig), 403);
  EXPECT_TRUE(rig.transport.closed);
}

TEST(http_conversation, refuses_a_request_without_body_and_goes_on) {
  http_rig rig;
  rig.feed(get("/refuse") + get("/now"));
  EXPECT_EQ(status_of(rig), 403);
  EXPECT_NE(rig.transport.out.find("X-Why: test\r\n"), std::string::npos);
  EXPECT_NE(rig.transport.out.find(R"({"error":{"code":"refused","message":"not for you"}})"),
            std::string::npos);
  EXPECT_NE(rig.transport.out.find("200 OK"), std::string::npos);
  EXPECT_FALSE(rig.transport.closed);
}

// -- bodies ----

TEST(http_conversation, joins_a_chunked_body) {
  http_rig rig;
  rig.feed(chunked("/now", "3;ext=\"x\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n") +
           get("/now"));
  EXPECT_EQ(rig.events.log, "POST /now\nrequest /now [abc0123456789]\nGET /now\nrequest /now []\n");
}

TEST(http_conversation, streams_a_sized_and_a_chunked_body) {
  http_rig rig;
  rig.feed(post("/stream", "sized") + chunked("/stream", "2\r\nch\r\n4\r\nunks\r\n0\r\n\r\n") +
           get("/stream"));
  EXPECT_EQ(rig.events.log, "POST /stream\nend [sized]\nPOST /stream\nend [chunks]\nGET /stream\nend []\n");
}

TEST(http_conversation, shows_again_what_a_paused_handler_left) {
  for (auto is_chunked : {false, true}) {
    http_rig rig;
    rig.events.appetite = 3;
    rig.feed(is_chunked ? chunked("/stream", "8\r\nabcdefgh\r\n0\r\n\r\n") : post("/stream", "abcdefgh"));
    EXPECT_EQ(rig.events.streamed, "abc");
    EXPECT_FALSE(rig.transport.reading);
    EXPECT_EQ(rig.transport.wait, http_wait::answer);
    rig.feed(get("/now"));
    rig.events.appetite = 2;
    rig.conversation.resume();
    EXPECT_EQ(rig.events.streamed, "abcde");
    EXPECT_FALSE(rig.transport.reading);
    rig.events.appetite = SIZE_MAX;
    rig.conversation.resume();
    EXPECT_EQ(rig.events.log, "POST /stream\nend [abcdefgh]\nGET /now\nrequest /now []\n");
    EXPECT_TRUE(rig.transport.reading);
  }
}

TEST(http_conversation, streams_an_answer_in_chunks) {
  http_rig rig;
  rig.feed(get("/later"));
  rig.conversation.begin_stream(200, "application/x-ndjson");
  rig.conversation.write_chunk("one\n");
  rig.conversation.write_chunk("");
  rig.conversation.write_chunk("a second line\n");
  rig.conversation.end_stream();
  EXPECT_EQ(rig.transport.out, "HTTP/1.1 200 OK\r\nDate: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
                               "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "4\r\none\n\r\ne\r\na second line\n\r\n0\r\n\r\n");
  EXPECT_FALSE(rig.transport.closed);
}

TEST(http_conversation, ends_a_1_0_stream_by_closing) {
  http_rig rig;
  rig.feed("GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  rig.conversation.begin_stream(200, "text/plain");
  rig.conversation.write_chunk("raw");
  rig.conversation.end_stream();
  EXPECT_TRUE(rig.transport.out.ends_with("Connection: close\r\n\r\nraw"));
  EXPECT_TRUE(rig.transport.closed);
}

TEST(http_conversation, closes_where_the_answer_came_before_the_end_of_the_body) {
  http_rig rig;
  rig.feed("POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\nsome");
  rig.conversation.respond(200, "text/plain", "enough");
  EXPECT_EQ(rig.transport.out, answer("200 OK", "enough", "Connection: close\r\n"));
  EXPECT_TRUE(rig.transport.closed);
}

// -- limits ----

TEST(http_conversation, refuses_heads_over_the_limit_with_431) {
  http_rig at_limit;
  auto rest = at_limit.lim.max_header_bytes - get("/now", "X-One: \r\n").size();
  at_limit.feed(get("/now", "X-One: " + std::string(rest, 'x') + "\r\n"));
  EXPECT_EQ(status_of(at_limit), 200);
  http_rig over;
  over.feed(get("/now", "X-One: " + std::string(rest + 1, 'x') + "\r\n"));
  EXPECT_EQ(status_of(over), 431);
  EXPECT_TRUE(over.transport.closed);
  http_rig endless;
  endless.feed("GET /" + std::string(endless.lim.max_header_bytes, 'x'));
  EXPECT_EQ(status_of(endless), 431);
}

TEST(http_conversation, refuses_more_than_100_headers_with_431) {
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "A: b\r\n";
  http_rig rig;
  rig.feed(get("/now", many));
  EXPECT_EQ(status_of(rig), 431);
}

TEST(http_conversation, refuses_bodies_over_the_limit_with_413) {
  for (auto path : {"/now", "/stream"}) {
    http_rig at_limit;
    at_limit.feed(post(path, std::string(64, 'x')));
    EXPECT_EQ(status_of(at_limit), 200);
    http_rig sized;
    sized.feed("POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n");
    EXPECT_EQ(status_of(sized), 413);
    EXPECT_TRUE(sized.transport.closed);
    http_rig chunks;
    chunks.feed(chunked(path, "40\r\n" + std::string(64, 'x') + "\r\n1\r\ny\r\n0\r\n\r\n"));
    EXPECT_EQ(status_of(chunks), 413);
    EXPECT_TRUE(chunks.transport.closed);
    EXPECT_EQ(chunks.refusals, std::vector{413});
  }
}

TEST(http_conversation, refuses_every_ambiguous_framing) {
  auto request = [](std::string_view headers) {
    return "POST /now HTTP/1.1\r\nHost: h\r\n" + std::string{headers} + "\r\n0\r\n\r\n";
  };
  struct {
    std::string bytes;
    int status;
  } cases[] = {
      {request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {request("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {request("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {request("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {request("Content-Length: 5, 5\r\n"), 400},
      {request("Content-Length: +5\r\n"), 400},
      {request("Content-Length: -1\r\n"), 400},
      {request("Content-Length: 0x5\r\n"), 400},
      {request("Content-Length:\r\n"), 400},
      {request("Content-Length: 18446744073709551616\r\n"), 400},
      {request("Content-Length : 5\r\n"), 400},
      {request("Transfer-Encoding: gzip\r\n"), 501},
      {request("Transfer-Encoding: chunked, gzip\r\n"), 501},
      {request("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {request("Transfer-Encoding:\r\n"), 501},
      {request("X-One: a\r\n b\r\n"), 400},
      {request("X-One:\r\n b\r\n"), 400},
      {request("X-One: a\nb: c\r\n"), 400},
      {request(std::string_view{"X-One: a\0b\r\n", 12}), 400},
      {request("Host: again\r\n"), 400},
      {request("Expect: a-miracle\r\n"), 417},
      {"POST /now HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET /now HTTP/1.1\r\n\r\n", 400},
      {"GET /now HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"GET /now\r\nHost: h\r\n\r\n", 400},
      {"GET now HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET  /now HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {std::string{"\x16\x03\x01\x02\x00\x01\r\n\r\n", 10}, 400},
  };
  for (auto &c : cases) {
    http_rig rig;
    rig.feed(c.bytes);
    EXPECT_EQ(status_of(rig), c.status) << c.bytes;
    EXPECT_TRUE(rig.transport.closed) << c.bytes;
    EXPECT_EQ(rig.events.log, "") << c.bytes;
  }
}

TEST(http_conversation, refuses_broken_chunks_with_400) {
  for (auto chunks : {"x\r\n", "\r\n", "5\rhello", "5\r\nhelloX", "5\r\nhello\rX", "123456789\r\n", "5 x\n",
                      "0\r\nA\x01"}) {
    http_rig rig;
    rig.feed(chunked("/now", chunks));
    EXPECT_EQ(status_of(rig), 400) << chunks;
    EXPECT_TRUE(rig.transport.closed) << chunks;
  }
  http_rig long_extension;
  long_extension.feed(chunked("/now", "1;" + std::string(2000, 'e')));
  EXPECT_EQ(status_of(long_extension), 400);
  http_rig long_trailer;
  long_trailer.feed(chunked("/now", "0\r\n" + std::string(9000, 't')));
  EXPECT_EQ(status_of(long_trailer), 400);
}

// -- time ----

TEST(http_conversation, answers_408_to_slow_heads_and_bodies) {
  http_rig head;
  head.feed("GET /now HT");
  EXPECT_EQ(head.transport.wait, http_wait::head);
  head.conversation.time_out();
  EXPECT_EQ(status_of(head), 408);
  EXPECT_TRUE(head.transport.closed);
  for (auto path : {"/now", "/stream"}) {
    http_rig body;
    body.feed("POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nhal");
    EXPECT_EQ(body.transport.wait, http_wait::body);
    body.conversation.time_out();
    EXPECT_EQ(status_of(body), 408);
    EXPECT_TRUE(body.transport.closed);
  }
}

TEST(http_conversation, closes_an_idle_connection_without_a_word) {
  http_rig rig;
  rig.feed(get("/now"));
  auto before = rig.transport.out;
  rig.conversation.time_out();
  EXPECT_EQ(rig.transport.out, before);
  EXPECT_TRUE(rig.transport.closed);
}

TEST(http_conversation, never_blames_the_peer_for_a_slow_handler) {
  http_rig rig;
  rig.feed(get("/later"));
  EXPECT_EQ(rig.transport.wait, http_wait::answer);
  rig.conversation.time_out();
  EXPECT_FALSE(rig.transport.closed);
  EXPECT_EQ(rig.transport.out, "");
}

TEST(http_conversation, gives_a_trickle_no_new_time_but_a_steady_stream) {
  http_rig rig;
  rig.events.max_body = 1 << 20;
  rig.feed("POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  auto begun = rig.transport.waits;
  for (int i = 0; i < 100; ++i)
    rig.feed("x");
  EXPECT_EQ(rig.transport.waits, begun);
  rig.feed(std::string(rig.lim.max_body_bytes, 'x'));
  EXPECT_EQ(rig.transport.waits, begun + 1);
}

TEST(http_conversation, finishes_at_once_when_idle_and_after_the_answer_otherwise) {
  http_rig idle;
  idle.conversation.finish();
  EXPECT_TRUE(idle.transport.closed);
  http_rig busy;
  busy.feed(get("/later"));
  busy.conversation.finish();
  EXPECT_FALSE(busy.transport.closed);
  busy.conversation.respond(200, "text/plain", "last");
  EXPECT_EQ(busy.transport.out, answer("200 OK", "last", "Connection: close\r\n"));
  EXPECT_TRUE(busy.transport.closed);
}

// -- cuts ----

std::vector<std::string> conversations() {
  return {
      get("/now") + post("/now", "abc") + chunked("/now", "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: x\r\n\r\n") +
          get("/refuse"),
      "\r\n\r\n" + post("/stream", "0123456789") + chunked("/stream", "5\r\nhello\r\n0\r\n\r\n") +
          get("/now", "Connection: close\r\n") + get("/now"),
      post("/now", "x", "Expect: 100-continue\r\n") + post("/refuse", "body"),
      chunked("/stream", "3f\r\n" + std::string(63, 'y') + "\r\n5\r\nhello\r\n0\r\n\r\n"),
      chunked("/now", "2\r\nab\r\nzz\r\n"),
      "HEAD /now HTTP/1.1\r\nHost: h\r\n\r\nGET /now HTTP/1.0\r\n\r\n",
      get("/now") + "BROKEN\r\n\r\n" + get("/now"),
      get("/now") + "POST /now HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n",
  };
}

TEST(http_conversation, means_the_same_however_it_is_cut_in_two) {
  for (auto &bytes : conversations()) {
    http_rig whole;
    whole.feed(bytes);
    auto expected = whole.trace();
    for (size_t i = 0; i <= bytes.size(); ++i) {
      http_rig cut;
      cut.feed(std::string_view{bytes}.substr(0, i));
      cut.feed(std::string_view{bytes}.substr(i));
      ASSERT_EQ(cut.trace(), expected) << "cut at " << i << " of\n" << bytes;
    }
  }
}

TEST(http_conversation, means_the_same_byte_by_byte) {
  for (auto &bytes : conversations()) {
    http_rig whole;
    whole.feed(bytes);
    http_rig single;
    for (auto &c : bytes)
      single.feed({&c, 1});
    ASSERT_EQ(single.trace(), whole.trace());
  }
}

TEST(http_conversation, means_the_same_in_random_pieces_with_random_pauses) {
  auto seed = std::random_device{}();
  std::mt19937 random{seed};
  auto all = conversations();
  for (int round = 0; round < 2000; ++round) {
    auto &bytes = all[random() % all.size()];
    http_rig whole;
    whole.feed(bytes);
    http_rig cut;
    for (size_t at = 0; at < bytes.size();) {
      if (random() % 4 == 0)
        cut.events.appetite = random() % 8;
      auto n = std::min<size_t>(1 + random() % 40, bytes.size() - at);
      cut.feed(std::string_view{bytes}.substr(at, n));
      at += n;
    }
    cut.events.appetite = SIZE_MAX;
    cut.conversation.resume();
    ASSERT_EQ(cut.trace(), whole.trace()) << "seed " << seed << " round " << round;
  }
}

TEST(http_conversation, survives_being_destroyed_by_its_handler) {
  struct suicidal final : http_events {
    std::unique_ptr<http_conversation> conversation;
    std::string die_in;
    http_plan on_headers(const http_request &request) override {
      auto plan = request.path() == "/stream" ? http_plan::stream(100) : http_plan::whole(100);
      die("headers");
      return plan;
    }
    void on_request(const http_request &) override { die("request"); }
    size_t on_body(std::string_view piece) override {
      die("body");
      return piece.size();
    }
    void on_body_end(const http_problem *) override { die("end"); }
    void on_http_end(bool) override {}
    void die(std::string_view where) {
      if (die_in == where)
        conversation.reset();
    }
  };
  limits lim;
  http_service service{lim, &frozen_clock};
  for (auto where : {"headers", "request", "body", "end"}) {
    for (auto &bytes : {post("/now", "abc") + get("/now"), post("/stream", "abc") + get("/now"),
                        chunked("/stream", "3\r\nabc\r\n0\r\n\r\n")}) {
      string_transport transport;
      suicidal events;
      events.die_in = where;
      events.conversation = std::make_unique<http_conversation>(events, transport, service);
      auto padded = bytes + std::string(http_conversation::slack, 'S');
      events.conversation->receive(std::string_view{padded}.substr(0, bytes.size()));
      EXPECT_EQ(transport.out, "");
    }
  }
}

} // namespace
} // namespace stentor::net
