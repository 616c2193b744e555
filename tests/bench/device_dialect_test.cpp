// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/device_dialect.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>

using namespace stentor;
using namespace stentor::bench;

namespace {

/// Unmasks the one frame in `out`; empty where there is not exactly one with a 2-byte length.
std::string unmasked(std::string_view out) {
  if (out.size() < 8 || (out[1] & 0x7f) != 126 || (out[1] & 0x80) == 0)
    return {};
  auto size = size_t{static_cast<unsigned char>(out[2])} << 8 | static_cast<unsigned char>(out[3]);
  if (out.size() != size + 8)
    return {};
  std::string body{out.substr(8)};
  for (size_t i = 0; i < size; ++i)
    body[i] ^= out[4 + i % 4];
  return body;
}

std::string server_frame(std::string_view body) {
  std::string frame{'\x82'};
  if (body.size() < 126) {
    frame += static_cast<char>(body.size());
  } else {
    frame += '\x7e';
    frame += static_cast<char>(body.size() >> 8);
    frame += static_cast<char>(body.size());
  }
  return frame.append(body);
}

struct log : fleet_events {
  void on_ready(connection &) override { text += "ready;"; }
  void on_message(connection &, std::string_view data) override {
    auto fields = read_payload(data);
    text += fields ? "message " + std::to_string(fields->number) + ";" : "unreadable;";
  }
  void on_verdict(connection &, uint32_t stream, uint64_t number, std::string_view verdict) override {
    text +=
        "verdict " + std::to_string(stream) + " " + std::to_string(number) + " " + std::string{verdict} + ";";
  }
  void on_lost(connection &, std::string_view why) override { text += "lost " + std::string{why} + ";"; }
  std::string text;
};

/// A device whose socket is /dev/null: bytes are handed in, and what it says is in its cork.
struct device_dialect_frames : testing::Test {
  device_dialect_frames() {
    device.fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    connections.listen_to(&seen);
    speaks.greet(device, greeting);
  }
  void upgrade() {
    speaks.consume(
        connections, device,
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  }
  std::string message(uint64_t number) {
    std::string data(payload_bytes, ' '), body;
    write_payload(data.data(), {0, 1, number, 0});
    data = std::string{'\xd9', static_cast<char>(payload_bytes)} + data;
    net::encode(format::msgpack, body, net::msg_frame{"01AN4Z07BY79KA1307SR9X4MV3", "m000001", data});
    return server_frame(body);
  }
  device_dialect speaks{{format::msgpack, 'm', want::none, {}}};
  fleet connections{1};
  connection &device = connections.add(speaks, {});
  std::string greeting;
  log seen;
};

} // namespace

class device_dialect_messages : public testing::TestWithParam<format> {};

TEST_P(device_dialect_messages, are_what_the_server_decodes) {
  device_dialect speaks{{GetParam(), 'x', want::none, {}}};
  net::codec reader;
  for (uint32_t target : {7u, 17'999u, 0u}) {
    std::string out;
    speaks.append_message(out, {target, 42, target + 1u, 99});
    auto body = unmasked(out);
    ASSERT_FALSE(body.empty());
    auto size = body.size();
    body.append(64, '\0'); // the decoder may read, not use, that much behind
    net::client_frame frame;
    net::frame_refusal why;
    ASSERT_TRUE(reader.decode(GetParam(), {body.data(), size}, frame, why)) << why.message;
    EXPECT_EQ(frame.to_device, speaks.device_name(target));
    EXPECT_EQ(frame.wants, want::none);
    uint32_t stream = 0;
    uint64_t number = 0;
    EXPECT_TRUE(read_message_id(frame.id, stream, number));
    EXPECT_EQ(stream, 42u);
    EXPECT_EQ(number, target + 1u);
    auto data = frame.data.substr(GetParam() == format::json ? 1 : 2, payload_bytes);
    EXPECT_EQ(read_payload(data), (payload_fields{target, 42, target + 1u, 99}));
  }
}

INSTANTIATE_TEST_SUITE_P(formats, device_dialect_messages, testing::Values(format::json, format::msgpack),
                         [](auto &info) { return info.param == format::json ? "json" : "msgpack"; });

TEST_F(device_dialect_frames, ask_for_development_access_only_without_a_token) {
  EXPECT_NE(greeting.find("?device=m000000&account=a-m000000"), std::string::npos);
  device_dialect with_token{{format::msgpack, 'm', want::none, {"secret"}}};
  std::string other;
  with_token.greet(device, other);
  EXPECT_EQ(other.find('?'), std::string::npos);
  EXPECT_NE(other.find("Authorization: Bearer secret\r\n"), std::string::npos);
}

TEST_F(device_dialect_frames, are_ready_with_the_welcome_and_read_on_wherever_they_are_cut) {
  upgrade();
  std::string welcome, verdict;
  net::encode(format::msgpack, welcome, net::welcome_frame{"m000000", "a", "s"});
  net::verdict_frame answer;
  std::string id(message_id_bytes, ' ');
  write_message_id(id.data(), 3, 4);
  answer.id = id;
  answer.result.what = stentor::verdict::written;
  net::encode(format::msgpack, verdict, answer);
  auto whole = server_frame(welcome) + message(5) + server_frame(verdict) + message(6);
  std::string held;
  for (auto c : whole) {
    held += c;
    held.erase(0, speaks.consume(connections, device, held));
  }
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(seen.text, "ready;message 5;verdict 3 4 written;message 6;");
}

TEST_F(device_dialect_frames, end_the_connection_where_the_server_refuses_or_closes) {
  speaks.consume(connections, device, "HTTP/1.1 401 Unauthorized\r\n\r\n");
  EXPECT_EQ(seen.text, "lost upgrade answered with HTTP/1.1 401 Unauthorized;");
}

TEST_F(device_dialect_frames, name_the_close_code) {
  upgrade();
  speaks.consume(connections, device, std::string_view{"\x88\x05\x0f\xa1slo", 7});
  EXPECT_EQ(seen.text, "lost close 4001 slo;");
  EXPECT_EQ(device.said.close_code, 4001);
}

TEST_F(device_dialect_frames, keep_how_long_a_refusal_asks_to_wait) {
  speaks.consume(connections, device,
                 "HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\nContent-Length: 4\r\n\r\nbusy");
  EXPECT_EQ(seen.text, "lost upgrade answered with HTTP/1.1 503 Service Unavailable;");
  EXPECT_EQ(device.said.http_status, 503);
  EXPECT_EQ(device.said.retry_after_s, 3u);
}

TEST_F(device_dialect_frames, answer_a_ping_with_its_bytes) {
  upgrade();
  speaks.consume(connections, device, std::string_view{"\x89\x02hi", 4});
  ASSERT_EQ(device.out.size(), 8u);
  EXPECT_EQ(static_cast<unsigned char>(device.out[0]), 0x8a);
  EXPECT_EQ(device.out[6] ^ device.out[2], 'h');
}
