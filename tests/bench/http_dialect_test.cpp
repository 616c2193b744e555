// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/http_dialect.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace stentor::bench;

namespace {

constexpr std::string_view with_length = "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH: 5\r\n\r\nhello";
constexpr std::string_view with_chunks =
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";

} // namespace

TEST(http_response, is_read_by_its_length_and_leaves_what_follows) {
  int status = 0;
  std::string body;
  EXPECT_EQ(read_response(std::string{with_length} + "HTTP/1.1", status, body), with_length.size());
  EXPECT_EQ(status, 200);
  EXPECT_EQ(body, "hello");
}

TEST(http_response, is_read_by_its_chunks_and_leaves_what_follows) {
  int status = 0;
  std::string body;
  EXPECT_EQ(read_response(std::string{with_chunks} + "HTTP/1.1", status, body), with_chunks.size());
  EXPECT_EQ(status, 404);
  EXPECT_EQ(body, "abc0123456789");
}

TEST(http_response, waits_wherever_it_is_cut) {
  int status = 0;
  std::string body;
  for (auto whole : {with_length, with_chunks})
    for (size_t cut = 0; cut < whole.size(); ++cut)
      EXPECT_EQ(read_response(whole.substr(0, cut), status, body), 0u) << whole.substr(0, cut);
}

TEST(http_response, that_is_no_http_is_said_to_be_none) {
  int status = 0;
  std::string body;
  EXPECT_NE(read_response("hello there\r\n\r\n", status, body), 0u);
  EXPECT_EQ(status, -1);
}
