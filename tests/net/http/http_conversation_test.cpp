// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_conversation.hpp"

#include <gtest/gtest.h>

#include "tests/net/http/http_fixture.hpp"

namespace stentor::net {
namespace {

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

} // namespace
} // namespace stentor::net
