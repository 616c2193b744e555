// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_router.hpp"
#include "net/http/http_text.hpp"
#include "net/http/ndjson.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stentor::net {
namespace {

// -- router ----

http_router api() {
  http_router router;
  router.add(http_method::post, "/v1/devices/{device}/messages", 1);
  router.add(http_method::get, "/v1/devices/{device}", 2);
  router.add(http_method::post, "/v1/messages", 3);
  router.add(http_method::get, "/v1/messages", 4);
  router.add(http_method::get, "/console/*", 5);
  router.add(http_method::get, "/", 6);
  return router;
}

TEST(http_router, finds_routes_and_decodes_their_parameters) {
  auto router = api();
  auto push = router.match(http_method::post, "/v1/devices/a%3Ab@c/messages");
  EXPECT_EQ(push.what, http_match::kind::found);
  EXPECT_EQ(push.route, 1);
  EXPECT_EQ(push.params[0], "a:b@c");
  EXPECT_EQ(router.match(http_method::get, "/v1/devices/d").route, 2);
  EXPECT_EQ(router.match(http_method::post, "/v1/messages").route, 3);
  EXPECT_EQ(router.match(http_method::get, "/console/a/b.js").route, 5);
  EXPECT_EQ(router.match(http_method::get, "/").route, 6);
}

TEST(http_router, gives_head_what_get_finds) {
  EXPECT_EQ(api().match(http_method::head, "/v1/devices/d").route, 2);
}

TEST(http_router, tells_a_wrong_method_from_a_wrong_path) {
  auto router = api();
  auto wrong = router.match(http_method::delete_, "/v1/messages");
  EXPECT_EQ(wrong.what, http_match::kind::no_method);
  EXPECT_EQ(wrong.allow_header(), "Allow: POST, GET, HEAD\r\n");
  for (auto path : {"/v1/devices", "/v1/devices/", "/v1/devices/d/", "/v1/devices/d/messages/x", "/v1", "*",
                    "", "/v1/devices//messages", "//v1/messages"})
    EXPECT_EQ(router.match(http_method::get, path).what, http_match::kind::no_path) << path;
}

TEST(http_router, cuts_segments_before_it_decodes_them) {
  auto match = api().match(http_method::get, "/v1/devices/a%2Fb");
  EXPECT_EQ(match.route, 2);
  EXPECT_EQ(match.params[0], "a/b");
}

TEST(http_router, refuses_broken_escapes) {
  for (auto path : {"/v1/devices/%", "/v1/devices/%4", "/v1/devices/%zz", "/v1/devices/%00"})
    EXPECT_EQ(api().match(http_method::get, path).what, http_match::kind::bad_path) << path;
}

// -- lines ----

struct lines {
  std::string seen;
  bool operator()(std::string_view line, bool too_long) {
    seen += too_long ? "!" : std::string{line};
    seen += '|';
    return true;
  }
};

std::string split(std::string_view text, size_t max, size_t piece) {
  ndjson_splitter splitter{max};
  lines out;
  for (size_t at = 0; at < text.size(); at += piece)
    EXPECT_EQ(splitter.feed(text.substr(at, piece), out), text.substr(at, piece).size());
  splitter.finish(out);
  EXPECT_EQ(splitter.kept(), 0u);
  return out.seen;
}

TEST(ndjson, cuts_the_same_lines_from_any_pieces) {
  std::string text = "one\r\ntwo\n\n \t\r\n12345678\n123456789\n12345678\r\n123456789\r\nlong line here\nend";
  for (size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(split(text, 8, piece), "one|two|12345678|!|12345678|!|!|end|") << piece;
}

TEST(ndjson, keeps_no_more_than_a_line) {
  ndjson_splitter splitter{100};
  lines out;
  for (int i = 0; i < 1000; ++i) {
    splitter.feed("0123456789", out);
    EXPECT_LE(splitter.kept(), 101u);
  }
  splitter.finish(out);
  EXPECT_EQ(out.seen, "!|");
}

TEST(ndjson, stops_behind_the_line_it_was_told_to) {
  ndjson_splitter splitter{100};
  std::string seen;
  auto one = [&](std::string_view line, bool) {
    seen += line;
    return false;
  };
  std::string_view text = "a\nb\nc";
  EXPECT_EQ(splitter.feed(text, one), 2u);
  EXPECT_EQ(splitter.feed(text.substr(2), one), 2u);
  EXPECT_EQ(splitter.feed(text.substr(4), one), 1u);
  EXPECT_EQ(seen, "ab");
  EXPECT_FALSE(splitter.finish(one));
  EXPECT_EQ(seen, "abc");
}

// -- text ----

TEST(http_text, renders_error_bodies_as_json) {
  EXPECT_EQ(error_body("code", "a \"quoted\" word"),
            R"({"error":{"code":"code","message":"a \"quoted\" word"}})");
}

TEST(http_text, renders_the_date_once_a_second) {
  static int readings;
  readings = 0;
  http_date date{+[]() -> wall_ms {
    ++readings;
    return 784111777000 + 250 + (readings - 1) * 1000;
  }};
  time_point start{};
  EXPECT_EQ(date.line(start), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(date.line(start + std::chrono::milliseconds{749}), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(readings, 1);
  EXPECT_EQ(date.line(start + std::chrono::milliseconds{750}), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

TEST(http_text, cuts_lists_at_commas_and_trims) {
  std::string_view list = " a,, b c\t,\t ,d";
  EXPECT_EQ(next_element(list), "a");
  EXPECT_EQ(next_element(list), "b c");
  EXPECT_EQ(next_element(list), "d");
  EXPECT_EQ(next_element(list), "");
  EXPECT_TRUE(lists_element("keep-alive , UpGrade", "upgrade"));
  EXPECT_FALSE(lists_element("upgraded, not-upgrade", "upgrade"));
  EXPECT_FALSE(lists_element("", "upgrade"));
}

TEST(http_text, compares_names_without_case) {
  EXPECT_TRUE(equals_lower("Content-TYPE", "content-type"));
  EXPECT_FALSE(equals_lower("Content-Typ", "content-type"));
  EXPECT_FALSE(equals_lower("\x43\x0D", "c-"));
}

} // namespace
} // namespace stentor::net
