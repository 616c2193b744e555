// SPDX-License-Identifier: Apache-2.0
#include "net/http/push_api.hpp"

#include <gtest/gtest.h>

#include "net/http/api_keys.hpp"

namespace stentor::net {
namespace {

TEST(push_query, reads_its_three_options_and_ignores_others) {
  push_options options;
  EXPECT_EQ(read_push_query("want=acked&x=1&timeout_ms=250&&ttl_ms=%31%30&y", options), nullptr);
  EXPECT_EQ(options.wants, want::acked);
  EXPECT_EQ(options.timeout_ms, 250u);
  EXPECT_EQ(options.ttl_ms, 10u);
  push_options first;
  EXPECT_EQ(read_push_query("want=none&want=acked&x=%zz", first), nullptr);
  EXPECT_EQ(first.wants, want::none) << "as on every route";
  push_options none;
  EXPECT_EQ(read_push_query("", none), nullptr);
  EXPECT_EQ(none.wants, want::written);
  EXPECT_FALSE(none.timeout_ms);
}

TEST(push_query, refuses_values_that_are_none) {
  for (auto query :
       {"want=", "want=maybe", "want", "timeout_ms=", "timeout_ms=-1", "timeout_ms=1.5", "timeout_ms=+1",
        "timeout_ms=2147483648", "timeout_ms=99999999999", "ttl_ms=1s", "ttl_ms=%3", "want=%00"}) {
    push_options options;
    auto why = read_push_query(query, options);
    ASSERT_NE(why, nullptr) << query;
    EXPECT_EQ(why->status, 400);
  }
}

TEST(push_line, reads_all_members_and_keeps_data_verbatim) {
  push_line_reader reader;
  push_line line;
  std::string why;
  ASSERT_TRUE(reader.read(R"({"to":"d:1","data":{"a": [1,2.50]},"want":"acked","timeout_ms":7,"ttl_ms":8,)"
                          R"("key":"k-1","ref":"r\u0041","more":[{}]})",
                          line, why));
  EXPECT_EQ(line.to, "d:1");
  EXPECT_EQ(line.data, R"({"a": [1,2.50]})");
  EXPECT_EQ(line.options.wants, want::acked);
  EXPECT_EQ(line.options.timeout_ms, 7u);
  EXPECT_EQ(line.options.ttl_ms, 8u);
  EXPECT_EQ(line.options.key, "k-1");
  EXPECT_EQ(line.ref, "rA");
}

TEST(push_line, refuses_bad_lines_with_a_sentence) {
  struct {
    const char *line;
    const char *why;
  } cases[] = {
      {R"({"data":1})", "`to` is missing"},
      {R"({"to":"d"})", "`data` is missing"},
      {R"({"to":"","data":1})", "`to` is not an id: 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -"},
      {R"({"to":["d"],"data":1})", "`to` is not a string"},
      {R"({"to":"d","to":"e","data":1})", "`to` appears twice"},
      {R"({"to":"d","data":1,"data":2})", "`data` appears twice"},
      {R"({"to":"d","data":1,"want":"all"})", "`want` is not one of written, acked, errors, none"},
      {R"({"to":"d","data":1,"timeout_ms":"5"})", "`timeout_ms` is not a number"},
      {R"({"to":"d","data":1,"timeout_ms":-5})", "`timeout_ms` is not an integer from 0 to 2147483647"},
      {R"({"to":"d","data":1,"ttl_ms":5e3})", "`ttl_ms` is not an integer from 0 to 2147483647"},
      {R"({"to":"d","data":1,"key":""})", "`key` is not 1 to 128 printable ASCII characters"},
      {R"({"to":"d","data":1,"ref":7})", "`ref` is not a string"},
  };
  push_line_reader reader;
  for (auto &c : cases) {
    push_line line;
    std::string why;
    EXPECT_FALSE(reader.read(c.line, line, why)) << c.line;
    EXPECT_EQ(why, c.why) << c.line;
  }
  for (auto text : {"", "x", "1", "[]", "{", R"({"to":"d","data":})", R"({"to":"d","data":1}x)",
                    "{\"to\":\"d\",\"data\":\"\xFF\"}"}) {
    push_line line;
    std::string why;
    EXPECT_FALSE(reader.read(text, line, why)) << text;
    EXPECT_NE(why, "");
  }
}

TEST(push_line, tells_the_ref_of_a_refused_line) {
  push_line_reader reader;
  push_line line;
  std::string why;
  EXPECT_FALSE(reader.read(R"({"to":"bad id","data":1,"ref":"mine"})", line, why));
  EXPECT_EQ(line.ref, "mine");
}

TEST(push_line, refuses_data_nested_deeper_than_32) {
  push_line_reader reader;
  push_line line;
  std::string why;
  auto nested = [](size_t depth) {
    return R"({"to":"d","data":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(reader.read(nested(32), line, why)) << why;
  EXPECT_FALSE(reader.read(nested(33), line, why));
}

TEST(push_answer, writes_every_part_of_an_outcome) {
  message_id id{0, 0};
  std::string zeros(message_id_chars, '0');
  outcome result;
  result.what = verdict::written;
  result.by = {node_id::trusted("n1"), 7};
  result.target_us = 3;
  std::string out = "{";
  append_outcome(out, id, result, 12);
  EXPECT_EQ(out, R"({"id":")" + zeros +
                     R"(","verdict":"written","via":{"node":"n1","epoch":7},"us":{"total":12,"target":3}})");
  result = {};
  result.what = verdict::unreachable;
  result.at = stage::sent;
  result.detail = "a \"b\"";
  out = R"({"index":1)";
  append_outcome(out, id, result, 0);
  EXPECT_EQ(out,
            R"({"index":1,"id":")" + zeros +
                R"(","verdict":"unreachable","at":"sent","detail":"a \"b\"","us":{"total":0,"target":0}})");
  result = {};
  result.what = verdict::duplicate;
  result.first = verdict::acked;
  out = "{";
  append_outcome(out, id, result, 0);
  EXPECT_EQ(out,
            R"({"id":")" + zeros + R"(","verdict":"duplicate","first":"acked","us":{"total":0,"target":0}})");
}

TEST(push_answer, tells_the_two_conflicts_of_a_key_apart) {
  outcome result;
  result.what = verdict::duplicate;
  EXPECT_EQ(push_status(result), 409);
  result.first = verdict::written;
  EXPECT_EQ(push_status(result), 200);
  result = {};
  result.what = verdict::invalid;
  EXPECT_EQ(push_status(result), 400);
  auto crossed_nodes = std::string{details::other_body};
  result.detail = crossed_nodes.c_str();
  EXPECT_EQ(push_status(result), 422);
}

TEST(api_keys, accept_a_whole_key_behind_bearer_only) {
  api_keys keys{{"secret-one", "two"}};
  EXPECT_TRUE(keys.accepts("Bearer secret-one"));
  EXPECT_TRUE(keys.accepts("bearer two"));
  for (auto header :
       {"", "Bearer", "Bearer ", "Bearer secret-on", "Bearer secret-one ", "Bearer secret-onesecret-one",
        "Bearer twotwo", "Basic two", "secret-one", "Bearer Two"})
    EXPECT_FALSE(keys.accepts(header)) << header;
  EXPECT_FALSE(api_keys{{}}.accepts("Bearer "));
  EXPECT_FALSE(api_keys{{""}}.accepts("Bearer "));
}

} // namespace
} // namespace stentor::net
