// SPDX-License-Identifier: Apache-2.0
// A conversation means the same however its bytes arrive, and may end at any of them.
#include "net/http/http_conversation.hpp"

#include <gtest/gtest.h>

#include "tests/net/http/http_fixture.hpp"

#include <random>

namespace stentor::net {
namespace {

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
