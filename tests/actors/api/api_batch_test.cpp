// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api.hpp"

#include "tests/actors/api/api_fixture.hpp"

#include <algorithm>

namespace stentor::actors {
namespace {

std::string line(std::string_view to, std::string_view more = {}) {
  return R"({"to":")" + std::string{to} + R"(","data":1)" + std::string{more} + "}\n";
}

std::string batch(std::string_view lines) {
  return http("POST", "/v1/messages", lines, "Content-Type: application/x-ndjson\r\n");
}

std::vector<storage::record> devices(std::initializer_list<const char *> names) {
  std::vector<storage::record> all;
  for (auto name : names)
    all.emplace_back().device = device_id::trusted(name);
  return all;
}

TEST(api_batch, answers_one_verdict_a_line_as_they_come_in) {
  api_rig rig;
  rig.connect();
  rig.send(batch(line("a") + line("b", R"(,"ref":"r\"1","want":"acked","key":"k")") + line("a")));
  ASSERT_EQ(rig.messages.size(), 3u);
  EXPECT_EQ(rig.messages[0].message->to.str(), "a");
  EXPECT_EQ(rig.messages[1].message->to.str(), "b");
  EXPECT_EQ(rig.messages[1].message->wants, want::acked);
  EXPECT_EQ(rig.messages[1].message->key, "k");
  std::swap(rig.messages[0], rig.messages[1]);
  rig.settle(rig.of(verdict::offline));
  auto early = rig.received();
  EXPECT_NE(early.find(R"({"index":1,"ref":"r\"1","id":")"), std::string::npos) << early;
  rig.settle(rig.written());
  rig.settle(rig.of(verdict::congested));
  EXPECT_EQ(without_times(body_of(early + rig.received())),
            "{\"index\":1,\"ref\":\"r\\\"1\",\"verdict\":\"offline\"}\n"
            "{\"index\":0,\"verdict\":\"written\",\"via\":{\"node\":\"n1\",\"epoch\":5}}\n"
            "{\"index\":2,\"verdict\":\"congested\"}\n");
  EXPECT_EQ(rig.back_end_api->open_tickets(), 0u);
  rig.send(http("GET", "/healthz"));
  EXPECT_EQ(status_of(rig.received()), 200); // the connection goes on
}

TEST(api_batch, gives_bad_lines_a_verdict_and_goes_on) {
  api_rig rig;
  rig.settles_at_once = true;
  rig.connect();
  rig.send(batch("nonsense\n\n" + line("a") + R"({"to":"b c","data":1,"ref":"x"})" + "\n" +
                 "{\"to\":\"d\",\"data\":\"" + std::string(64 * 1024, 'x') + "\"}\n" +
                 "{\"to\":\"d\",\"data\":\"" + std::string(70 * 1024, 'x') + "\"}\n" +
                 R"({"to":"last","data":2})"));
  auto body = without_times(body_of(rig.received()));
  std::vector<std::string> lines;
  for (size_t at = 0; at < body.size();) {
    auto end = body.find('\n', at);
    lines.push_back(body.substr(at, end - at));
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 6u) << body;
  EXPECT_TRUE(lines[0].starts_with(R"({"index":0,"verdict":"invalid","detail":)"));
  EXPECT_TRUE(lines[1].starts_with(R"({"index":1,"verdict":"written")"));
  EXPECT_TRUE(
      lines[2].starts_with(R"({"index":2,"ref":"x","verdict":"invalid","detail":"`to` is not an id)"));
  EXPECT_EQ(lines[3], R"({"index":3,"verdict":"invalid","detail":"`data` is larger than the limit"})");
  EXPECT_EQ(lines[4], R"({"index":4,"verdict":"invalid","detail":"the line is longer than the limit"})");
  EXPECT_TRUE(lines[5].starts_with(R"({"index":5,"verdict":"written")"));
}

TEST(api_batch, tells_errors_and_none_only_what_they_want) {
  api_rig rig;
  rig.connect();
  rig.send(batch(line("a", R"(,"want":"none")") + line("b", R"(,"want":"errors")") +
                 line("c", R"(,"want":"errors")")));
  ASSERT_EQ(rig.messages.size(), 3u);
  EXPECT_EQ(rig.messages[0].ticket, 0u);
  EXPECT_EQ(rig.messages[0].message->wants, want::none);
  rig.messages.pop_front();
  rig.settle(rig.written());
  rig.settle(rig.of(verdict::offline));
  EXPECT_EQ(without_times(body_of(rig.received())), "{\"index\":2,\"verdict\":\"offline\"}\n");
}

TEST(api_batch, reads_no_further_than_its_room_for_verdicts) {
  api_rig rig;
  rig.lim.max_batch_in_flight = 8;
  rig.connect();
  std::string lines;
  for (int i = 0; i < 1000; ++i)
    lines += line("d" + std::to_string(i));
  rig.send(batch(lines));
  EXPECT_EQ(rig.messages.size(), 8u);
  size_t settled = 0;
  while (!rig.messages.empty()) {
    EXPECT_EQ(rig.messages.front().message->to.str(), "d" + std::to_string(settled++));
    rig.settle(rig.written());
    ASSERT_LE(rig.messages.size(), 8u);
  }
  EXPECT_EQ(settled, 1000u);
  auto body = body_of(rig.received());
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 1000);
  EXPECT_EQ(body.find("<cut>"), std::string::npos);
}

TEST(api_batch, stops_sending_for_a_back_end_that_does_not_read) {
  api_rig rig;
  rig.settles_at_once = true;
  rig.connect();
  std::string lines;
  for (int i = 0; i < 9000; ++i)
    lines += line("device-" + std::to_string(i), ",\"ref\":\"" + std::string(60, 'r') + "\"");
  auto request = batch(lines);
  std::string_view rest = request;
  for (int i = 0; i < 200 && !rest.empty(); ++i) {
    auto n = ::send(rig.peers[0], rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n > 0)
      rest.remove_prefix(static_cast<size_t>(n));
    rig.turn();
  }
  EXPECT_LT(rig.messages.size(), 9000u);
  std::string answer;
  for (int i = 0; i < 1000 && rig.messages.size() < 9000; ++i) {
    answer += rig.received();
    if (!rest.empty()) {
      auto n = ::send(rig.peers[0], rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n > 0)
        rest.remove_prefix(static_cast<size_t>(n));
    }
    rig.turn();
  }
  answer += rig.received();
  auto body = body_of(answer);
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 9000);
}

TEST(api_batch, ends_at_too_many_lines_with_an_error_line) {
  api_rig rig;
  rig.lim.max_batch_lines = 2;
  rig.connect();
  rig.send(batch(line("a") + line("b") + line("c") + line("d")));
  ASSERT_EQ(rig.messages.size(), 2u);
  rig.settle(rig.written());
  rig.settle(rig.written());
  auto answer = rig.received();
  auto body = body_of(answer);
  EXPECT_TRUE(
      body.ends_with("{\"error\":{\"code\":\"too_large\",\"message\":\"the batch has more lines than the "
                     "limit\"}}\n"))
      << body;
}

TEST(api_batch, keeps_what_was_sent_when_the_body_breaks_off) {
  api_rig rig;
  rig.connect();
  auto first = line("a");
  rig.send("POST /v1/messages HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  char size[8];
  std::snprintf(size, sizeof size, "%zx", first.size());
  rig.send(std::string{size} + "\r\n" + first + "\r\nbroken\r\n");
  ASSERT_EQ(rig.messages.size(), 1u);
  rig.settle(rig.written());
  auto answer = rig.received();
  auto body = body_of(answer);
  EXPECT_TRUE(body.starts_with(R"({"index":0,"id")")) << body;
  EXPECT_NE(body.find("{\"error\":{\"code\":\"malformed\""), std::string::npos);
  EXPECT_TRUE(answer.ends_with("<eof>"));
}

TEST(api_batch, answers_a_body_too_large_by_its_length_before_reading_it) {
  api_rig rig;
  rig.connect();
  rig.send("POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: 16777217\r\n\r\n");
  EXPECT_EQ(status_of(rig.received()), 413);
}

TEST(api_batch, answers_an_empty_batch_with_no_lines) {
  api_rig rig;
  rig.connect();
  rig.send(batch(""));
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "");
}

TEST(api_batch, survives_a_back_end_that_hangs_up_in_the_middle) {
  api_rig rig;
  auto peer = rig.connect();
  rig.send(batch(line("a") + line("b")).substr(0, 120));
  rig.hang_up(peer);
  while (!rig.messages.empty())
    rig.settle(rig.written());
  EXPECT_EQ(rig.back_end_api->connections(), 0u);
}

// -- accounts ----

TEST(api_account, sends_to_each_device_and_answers_one_line_each) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", "/v1/accounts/acme/messages", "[7]"));
  ASSERT_EQ(rig.questions.size(), 1u);
  EXPECT_EQ(rig.questions[0].what, "account acme");
  rig.back_end_api->on_devices(rig.questions[0].ticket, devices({"d1", "d2"}));
  ASSERT_EQ(rig.messages.size(), 2u);
  EXPECT_EQ(rig.messages[0].message->data, rig.messages[1].message->data); // one payload for all
  rig.settle(rig.written());
  rig.settle(rig.of(verdict::offline));
  EXPECT_EQ(without_times(body_of(rig.received())),
            "{\"device\":\"d1\",\"verdict\":\"written\",\"via\":{\"node\":\"n1\",\"epoch\":5}}\n"
            "{\"device\":\"d2\",\"verdict\":\"offline\"}\n");
}

TEST(api_account, keeps_to_its_room_for_verdicts) {
  api_rig rig;
  rig.lim.max_batch_in_flight = 4;
  rig.connect();
  rig.send(http("POST", "/v1/accounts/acme/messages", "1"));
  std::vector<storage::record> many(50);
  for (size_t i = 0; i < many.size(); ++i)
    many[i].device = device_id::trusted("d" + std::to_string(i));
  rig.back_end_api->on_devices(rig.questions[0].ticket, many);
  size_t settled = 0;
  while (!rig.messages.empty()) {
    ASSERT_LE(rig.messages.size(), 4u);
    ++settled;
    rig.settle(rig.written());
  }
  EXPECT_EQ(settled, 50u);
  auto body = body_of(rig.received());
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 50);
}

TEST(api_account, says_offline_where_nobody_is_there_and_unavailable_where_nobody_knows) {
  api_rig rig;
  rig.connect();
  rig.send(http("POST", "/v1/accounts/acme/messages", "1"));
  rig.back_end_api->on_devices(rig.questions[0].ticket, devices({}));
  rig.turn();
  EXPECT_EQ(status_of(rig.received()), 404);
  rig.send(http("POST", "/v1/accounts/acme/messages", "1"));
  rig.back_end_api->on_devices(rig.questions[1].ticket, make_error(errc::unavailable));
  rig.turn();
  EXPECT_EQ(status_of(rig.received()), 503);
}

TEST(api_account, settles_at_once_without_losing_count) {
  api_rig rig;
  rig.settles_at_once = true;
  rig.connect();
  rig.send(http("POST", "/v1/accounts/acme/messages?want=errors", "1"));
  rig.back_end_api->on_devices(rig.questions[0].ticket, devices({"d1", "d2", "d3"}));
  rig.turn();
  auto answer = rig.received();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "");
}

} // namespace
} // namespace stentor::actors
