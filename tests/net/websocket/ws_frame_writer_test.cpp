// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/ws_frame.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace stentor::net {
namespace {

std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (auto v : values)
    out += static_cast<char>(v);
  return out;
}

TEST(frame_header, is_what_the_reader_reads_at_every_width) {
  for (size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
    std::string body(size, 'x');
    std::array<char, 10> space;
    auto bytes = std::string{frame_header(opcode::text, size, space)}.append(body);
    EXPECT_EQ(bytes.size() - size, size <= 125 ? 2u : size <= 65535 ? 4u : 10u);
    bytes.append(frame_reader::read_slack, '\0');
    frame_reader reader{frame_reader::role::client, 1 << 20};
    struct : frame_sink {
      bool on_message(opcode, std::span<char> body) override {
        got.assign(body.data(), body.size());
        return true;
      }
      bool on_control(opcode, std::span<char>) override { return false; }
      std::string got = "nothing";
    } sink;
    EXPECT_FALSE(reader.feed({bytes.data(), bytes.size() - frame_reader::read_slack}, sink));
    EXPECT_EQ(sink.got, body);
  }
}

TEST(close_body, cuts_a_long_reason_at_a_character) {
  std::string reason(122, 'x');
  reason += "\xe2\x82\xac"; // three bytes across the limit
  auto body = close_body(close_code::slow, reason);
  EXPECT_EQ(body.size(), 124u);
  EXPECT_EQ(parse_close(body), close_code::slow);
  EXPECT_EQ(close_body(close_code::slow, std::string(200, 'x')).size(), 125u);
  EXPECT_EQ(close_body(close_code::no_status, "x"), "");
}

TEST(parse_close, knows_which_codes_may_be_sent) {
  auto parse = [](int code, std::string reason = {}) {
    return parse_close(bytes_of({code >> 8, code & 0xff}) + reason);
  };
  for (int good :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
    EXPECT_EQ(static_cast<int>(parse(good)), good);
  for (int bad : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    EXPECT_EQ(parse(bad), close_code::protocol_error) << bad;
  EXPECT_EQ(parse_close({}), close_code::no_status);
  EXPECT_EQ(parse_close(std::string_view{"\x03"}), close_code::protocol_error);
  EXPECT_EQ(parse(1000, "\xff"), close_code::protocol_error);
  EXPECT_EQ(parse(1000, "good"), close_code::normal);
}

} // namespace
} // namespace stentor::net
