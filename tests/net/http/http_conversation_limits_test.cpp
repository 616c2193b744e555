// SPDX-License-Identifier: Apache-2.0
// What a peer may not do in a conversation, and for how long it may do nothing.
#include "net/http/http_conversation.hpp"

#include <gtest/gtest.h>

#include "tests/net/http/http_fixture.hpp"

#include <chrono>

namespace stentor::net {
namespace {

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
      {request("Authorization: Bearer a\r\nauthorization: Bearer b\r\n"), 400},
      {request("Origin: http://a\r\nOrigin: http://b\r\n"), 400},
      {request("Content-Type: application/json\r\nContent-Type: application/msgpack\r\n"), 400},
      {request("Idempotency-Key: a\r\nIDEMPOTENCY-KEY: b\r\n"), 400},
      {request("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 400},
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

TEST(http_conversation, takes_a_1_0_request_without_host_and_headers_that_may_stand_twice) {
  http_rig probe;
  probe.feed("GET /now HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status_of(probe), 200);
  http_rig twice;
  twice.feed(get("/now", "X-Forwarded-For: a\r\nX-Forwarded-For: b\r\nCookie: a\r\nCookie: b\r\n"));
  EXPECT_EQ(status_of(twice), 200);
}

TEST(http_conversation, refuses_broken_chunks_with_400) {
  for (auto chunks : {"x\r\n", "\r\n", "5\rhello", "5\r\nhelloX", "5\r\nhello\rX", "123456789\r\n", "5 x\n",
                      "0\r\nA\x01"}) {
    http_rig rig;
    rig.feed(chunked("/now", chunks));
    EXPECT_EQ(status_of(rig), 400) << chunks;
    EXPECT_TRUE(rig.transport.closed) << chunks;
  }
  http_rig stream;
  stream.feed(chunked("/stream", "2\r\nab\r\n2 junk\r\ncd\r\n0\r\n\r\n"));
  EXPECT_EQ(status_of(stream), 400);
  EXPECT_EQ(stream.events.log, "POST /stream\nend [ab] 400\n");
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

TEST(http_conversation, begins_no_request_while_too_much_of_the_answers_is_unsent) {
  http_rig rig;
  rig.transport.room = 10;
  rig.feed(get("/now") + get("/now") + get("/now"));
  EXPECT_EQ(rig.answers, 1);
  EXPECT_FALSE(rig.transport.reading);
  EXPECT_EQ(rig.transport.wait, http_wait::answer);
  rig.feed(get("/now"));
  EXPECT_EQ(rig.answers, 1);
  rig.transport.out.clear();
  rig.conversation.drained();
  EXPECT_EQ(rig.answers, 2) << "full again after one";
  rig.transport.room = SIZE_MAX;
  rig.conversation.drained();
  EXPECT_EQ(rig.answers, 4);
  EXPECT_TRUE(rig.transport.reading);
  EXPECT_EQ(rig.transport.wait, http_wait::request);
}

TEST(http_conversation, answered_late_begins_no_request_while_full) {
  http_rig rig;
  rig.transport.room = 10;
  rig.feed(get("/later") + get("/now"));
  rig.conversation.respond(200, "text/plain", "late");
  EXPECT_EQ(rig.answers, 1);
  rig.transport.room = SIZE_MAX;
  rig.conversation.drained();
  EXPECT_EQ(rig.answers, 2);
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

} // namespace
} // namespace stentor::net
