// SPDX-License-Identifier: Apache-2.0
#include "net/client/response_reader.hpp"

#include <gtest/gtest.h>

namespace stentor::net::client {
namespace {

using progress = response_reader::progress;

/// Status and body of the response in `text`, fed in pieces; "more" or "failed" if it comes to that, and what
/// came behind it. `ends` tells that the peer closed.
std::string read(std::string_view text, size_t piece, bool ends = false, bool is_head = false) {
  response_reader reader{200, 10, is_head};
  auto state = progress::more;
  for (size_t at = 0; at < text.size() && state != progress::failed; at += piece)
    state = reader.feed(text.substr(at, piece));
  if (ends)
    state = reader.feed_end();
  if (state != progress::done)
    return state == progress::more ? "more" : "failed";
  auto response = reader.take();
  return std::to_string(response.status) + ' ' + response.body + (response.keep_alive ? " keep" : " close") +
         '|' + reader.take_rest();
}

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\n";

TEST(response_reader, finds_the_end_of_every_body_however_it_is_cut) {
  struct {
    std::string text;
    std::string_view is;
    bool ends = false;
    bool is_head = false;
  } cases[] = {
      {"Content-Length: 3\r\n\r\nabcrest", "200 abc keep|rest"},
      {"Content-Length: 0\r\n\r\n", "200  keep|"},
      {"Transfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\nrest", "200 abc keep|rest"},
      {"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "200  keep|"},
      {"Connection: close\r\nContent-Length: 1\r\n\r\na", "200 a close|"},
      {"\r\nto the end", "200 to the end close|", true},
      {"Content-Length: 99\r\n\r\n", "200  keep|", false, true},
      {"Transfer-Encoding: chunked\r\n\r\n", "200  keep|", false, true},
  };
  for (auto &c : cases) {
    auto text = std::string{ok} + c.text;
    for (size_t piece = 1; piece <= text.size(); ++piece)
      EXPECT_EQ(read(text, piece, c.ends, c.is_head), c.is) << text << " in pieces of " << piece;
  }
  for (auto head : {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
                    "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"})
    EXPECT_EQ(read(std::string{head} + "frames", 7), std::string{head}.substr(9, 3) + "  keep|frames");
}

TEST(response_reader, takes_no_answer_whose_body_is_broken) {
  for (std::string rest :
       {"Transfer-Encoding: chunked\r\n\r\n1 junk\r\na\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n100000000\r\n",
        "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\nxyz", "Transfer-Encoding: chunked, gzip\r\n\r\nxyz",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nxyz",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "Content-Length: x\r\n\r\n",
        "Content-Length: 11\r\n\r\n", "\r\n01234567890", "no colon\r\n\r\n"})
    for (size_t piece : {1, 5, 1000})
      EXPECT_EQ(read(std::string{ok} + rest, piece), "failed") << rest;
  EXPECT_EQ(read(std::string{ok} + "X: " + std::string(200, 'x'), 7), "failed") << "an endless head";
  EXPECT_EQ(read(std::string{ok} + "X: " + std::string(200, 'x') + "\r\n\r\n", 1000), "failed");
}

TEST(response_reader, takes_no_answer_that_ends_early) {
  for (std::string rest :
       {"", "Content-Length: 3\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"}) {
    EXPECT_EQ(read(std::string{ok} + rest, 4), "more") << rest;
    EXPECT_EQ(read(std::string{ok} + rest, 4, true), "failed") << rest;
  }
  response_reader nothing{200, 10};
  EXPECT_FALSE(nothing.has_begun());
  EXPECT_EQ(nothing.feed_end(), progress::failed);
}

} // namespace
} // namespace stentor::net::client
