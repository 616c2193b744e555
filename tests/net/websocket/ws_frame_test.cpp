// SPDX-License-Identifier: Apache-2.0
#include "net/websocket/ws_frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace stentor::net {
namespace {

using role = frame_reader::role;

/// What a stream of frames came to, comparable.
struct transcript : frame_sink {
  std::vector<std::pair<opcode, std::string>> events;
  size_t stop_after = SIZE_MAX;

  bool add(opcode kind, std::span<char> body) {
    events.emplace_back(kind, std::string{body.data(), body.size()});
    // A sink may change the bytes; nothing else may see that.
    std::fill(body.begin(), body.end(), '!');
    return events.size() < stop_after;
  }
  bool on_message(opcode kind, std::span<char> body) override {
    for (size_t i = 0; i < frame_reader::read_slack; ++i) // ASan sees where the slack is not there
      slack_sum += static_cast<unsigned char>(body.data()[body.size() + i]);
    return add(kind, body);
  }
  bool on_control(opcode kind, std::span<char> body) override { return add(kind, body); }

  size_t slack_sum = 0;
};

/// Feeds a copy of `bytes`, with the slack behind it that the reader asks for.
frame_error feed(frame_reader &reader, std::string_view bytes, frame_sink &sink) {
  std::vector<char> buffer(bytes.begin(), bytes.end());
  buffer.resize(bytes.size() + frame_reader::read_slack);
  return reader.feed({buffer.data(), bytes.size()}, sink);
}

std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (auto v : values)
    out += static_cast<char>(v);
  return out;
}

/// One frame, masked or not, with any first byte.
std::string frame(int first, std::string_view body, bool masked = true) {
  std::string out;
  if (masked) {
    append_masked_frame(out, opcode::binary, body, 0xdeadbeef);
  } else {
    std::array<char, 10> space;
    out = std::string{frame_header(opcode::binary, body.size(), space)}.append(body);
  }
  out[0] = static_cast<char>(first);
  return out;
}

constexpr int fin = 0x80;

// -- RFC 6455 5.7 ----

TEST(frame_reader, reads_the_examples_of_the_rfc) {
  {
    frame_reader client{role::client, 65536};
    transcript t;
    auto input = bytes_of({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}) + // a text message in one frame
                 bytes_of({0x01, 0x03, 0x48, 0x65, 0x6c}) +             // and in two
                 bytes_of({0x80, 0x02, 0x6c, 0x6f}) +                   //
                 bytes_of({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}) + // a ping
                 bytes_of({0x82, 0x7e, 0x01, 0x00}) + std::string(256, 'x') +
                 bytes_of({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}) + std::string(65536, 'y');
    EXPECT_FALSE(feed(client, input, t));
    ASSERT_EQ(t.events.size(), 5u);
    EXPECT_EQ(t.events[0], (std::pair{opcode::text, std::string{"Hello"}}));
    EXPECT_EQ(t.events[1], (std::pair{opcode::text, std::string{"Hello"}}));
    EXPECT_EQ(t.events[2], (std::pair{opcode::ping, std::string{"Hello"}}));
    EXPECT_EQ(t.events[3], (std::pair{opcode::binary, std::string(256, 'x')}));
    EXPECT_EQ(t.events[4], (std::pair{opcode::binary, std::string(65536, 'y')}));
  }
  frame_reader server{role::server, 65536};
  transcript t;
  EXPECT_FALSE(
      feed(server,
           bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}) + // masked "Hello"
               bytes_of({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}),
           t));
  ASSERT_EQ(t.events.size(), 2u);
  EXPECT_EQ(t.events[0], (std::pair{opcode::text, std::string{"Hello"}}));
  EXPECT_EQ(t.events[1], (std::pair{opcode::pong, std::string{"Hello"}}));
}

// -- cutting ----

TEST(frame_reader, reads_the_same_messages_however_the_stream_is_cut) {
  auto stream = frame(fin | 1, "first") + frame(fin | 9, "ping") + frame(1, "frag") + frame(fin | 9, "in") +
                frame(0, "") + frame(fin, "ment") + frame(fin | 2, std::string(130, 'b')) +
                frame(fin | 1, "") + frame(2, "") + frame(fin, "") +
                frame(fin | 8, close_body(close_code::normal, "x"));
  transcript whole;
  frame_reader reader{role::server, 1000};
  ASSERT_FALSE(feed(reader, stream, whole));
  ASSERT_EQ(whole.events.size(), 8u);
  EXPECT_EQ(whole.events[3], (std::pair{opcode::text, std::string{"fragment"}}));
  for (size_t i = 0; i <= stream.size(); ++i)
    for (size_t j = i; j <= stream.size(); ++j) { // every cut into three
      frame_reader cut{role::server, 1000};
      transcript t;
      ASSERT_FALSE(feed(cut, std::string_view{stream}.substr(0, i), t));
      ASSERT_FALSE(feed(cut, std::string_view{stream}.substr(i, j - i), t));
      ASSERT_FALSE(feed(cut, std::string_view{stream}.substr(j), t));
      ASSERT_EQ(t.events, whole.events) << i << ' ' << j;
      ASSERT_FALSE(cut.is_inside_message());
    }
  for (size_t size = 1; size < 20; ++size) { // and into pieces of one size
    frame_reader cut{role::server, 1000};
    transcript t;
    for (size_t at = 0; at < stream.size(); at += size)
      ASSERT_FALSE(feed(cut, std::string_view{stream}.substr(at, size), t));
    ASSERT_EQ(t.events, whole.events) << size;
  }
}

TEST(frame_reader, reads_random_streams_however_they_are_cut) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>{0, n - 1}(random); };
  for (int round = 0; round < 300; ++round) {
    auto masked = below(2) == 0;
    std::string stream;
    std::vector<std::pair<opcode, std::string>> expected;
    auto control = [&] {
      auto kind = below(2) == 0 ? opcode::ping : opcode::pong;
      std::string body(below(126), 'c');
      expected.emplace_back(kind, body);
      stream += frame(fin | static_cast<int>(kind), body, masked);
    };
    for (auto messages = 1 + below(8); messages > 0; --messages) {
      auto kind = below(2) == 0 ? opcode::text : opcode::binary;
      std::string body;
      auto fragments = below(3) == 0 ? 1 + below(6) : 1;
      for (size_t i = 0; i < fragments; ++i) {
        std::string piece(below(4) == 0 ? below(70000) : below(200), static_cast<char>('a' + below(26)));
        body += piece;
        auto first = (i == 0 ? static_cast<int>(kind) : 0) | (i + 1 == fragments ? fin : 0);
        if (i + 1 == fragments && below(3) == 0)
          control();
        stream += frame(first, piece, masked);
        if (i + 1 < fragments && below(3) == 0)
          control();
      }
      expected.emplace_back(kind, body);
    }
    frame_reader reader{masked ? role::server : role::client, 1 << 20};
    transcript t;
    for (size_t at = 0; at < stream.size();) {
      auto size = 1 + below(below(3) == 0 ? 20 : 100000);
      ASSERT_FALSE(feed(reader, std::string_view{stream}.substr(at, size), t));
      at += size;
    }
    ASSERT_EQ(t.events, expected);
    ASSERT_EQ(reader.held_bytes(), 0u);
  }
}

TEST(frame_reader, holds_nothing_between_whole_messages) {
  frame_reader reader{role::server, 1000};
  EXPECT_LE(sizeof reader, 32u);
  transcript t;
  auto message = frame(fin | 1, "hello");
  EXPECT_FALSE(feed(reader, message + message.substr(0, 8), t));
  EXPECT_TRUE(reader.is_inside_message());
  EXPECT_GT(reader.held_bytes(), 0u);
  EXPECT_FALSE(feed(reader, message.substr(8), t));
  EXPECT_FALSE(reader.is_inside_message());
  EXPECT_EQ(reader.held_bytes(), 0u);
  EXPECT_EQ(t.events.size(), 2u);
}

TEST(frame_reader, reads_a_whole_frame_where_it_stands) {
  struct : frame_sink {
    bool on_message(opcode, std::span<char> body) override {
      at = body.data();
      return true;
    }
    bool on_control(opcode, std::span<char>) override { return true; }
    char *at = nullptr;
  } sink;
  auto bytes = frame(fin | 1, "hello");
  auto size = bytes.size();
  bytes.append(frame_reader::read_slack, '\0');
  frame_reader reader{role::server, 1000};
  EXPECT_FALSE(reader.feed({bytes.data(), size}, sink));
  EXPECT_EQ(sink.at, bytes.data() + 6);
}

// -- violations ----

struct violation {
  const char *what;
  role who;
  std::string bytes;
  close_code code;
};

TEST(frame_reader, answers_every_violation_with_its_code_however_it_is_cut) {
  auto s = role::server;
  auto c = role::client;
  auto bad = close_code::protocol_error;
  auto long_control = frame(fin | 9, std::string(126, 'x'));
  const std::vector<violation> cases = {
      {"no mask from a client", s, frame(fin | 1, "x", false), bad},
      {"a mask from a server", c, frame(fin | 1, "x"), bad},
      {"RSV1", s, frame(fin | 0x40 | 1, "x"), bad},
      {"RSV2", s, frame(fin | 0x20 | 1, "x"), bad},
      {"RSV3", s, frame(fin | 0x10 | 1, "x"), bad},
      {"RSV1 on a ping", s, frame(fin | 0x40 | 9, "x"), bad},
      {"opcode 3", s, frame(fin | 3, "x"), bad},
      {"opcode 7", s, frame(fin | 7, ""), bad},
      {"opcode 11", s, frame(fin | 11, "x"), bad},
      {"opcode 15", s, frame(fin | 15, ""), bad},
      {"a fragmented ping", s, frame(9, "x"), bad},
      {"a fragmented close", s, frame(8, ""), bad},
      {"a ping of 126 bytes", s, long_control, bad},
      {"a close of 126 bytes", s, frame(fin | 8, std::string(126, 'x')), bad},
      {"a continuation without a first frame", s, frame(fin, "x"), bad},
      {"a continuation after a message", s, frame(fin | 1, "x") + frame(fin, "x"), bad},
      {"text inside a message", s, frame(1, "x") + frame(fin | 1, "x"), bad},
      {"binary inside a message", s, frame(2, "") + frame(2, "x"), bad},
      {"a length of 2^63", s, bytes_of({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}), bad},
      {"too long by its header", s,
       bytes_of({0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}),
       close_code::too_big},
      {"one byte too long", s, frame(fin | 1, std::string(1001, 'x')).substr(0, 8), close_code::too_big},
      {"too long in fragments", s, frame(1, std::string(600, 'x')) + frame(0, std::string(401, 'x')),
       close_code::too_big},
      {"not UTF-8", s, frame(fin | 1, "\xff"), close_code::bad_payload},
      {"a surrogate", s, frame(fin | 1, "\xed\xa0\x80"), close_code::bad_payload},
      {"an overlong slash", s, frame(fin | 1, "\xc0\xaf"), close_code::bad_payload},
      {"half a character", s, frame(1, "\xe2\x82") + frame(fin, "x"), close_code::bad_payload},
  };
  for (auto &v : cases) {
    SCOPED_TRACE(v.what);
    for (size_t size = 1; size <= v.bytes.size(); ++size) {
      frame_reader reader{v.who, 1000};
      transcript t;
      frame_error error;
      for (size_t at = 0; at < v.bytes.size() && !error; at += size)
        error = feed(reader, std::string_view{v.bytes}.substr(at, size), t);
      ASSERT_EQ(error.code, v.code) << "in pieces of " << size;
      ASSERT_NE(error.reason, nullptr);
      auto before = t.events.size();
      ASSERT_FALSE(feed(reader, frame(fin | 1, "after", v.who == role::server), t));
      ASSERT_EQ(t.events.size(), before) << "it reads on after an error";
    }
  }
}

TEST(frame_reader, takes_the_largest_allowed_and_every_kind_of_good_text) {
  frame_reader reader{role::server, 1000};
  transcript t;
  EXPECT_FALSE(feed(reader, frame(fin | 2, std::string(1000, '\xff')), t));
  EXPECT_FALSE(feed(reader, frame(1, std::string(600, 'x')) + frame(fin, std::string(400, 'x')), t));
  EXPECT_FALSE(feed(reader, frame(fin | 1, "\xc3\xa4 \xe2\x82\xac \xf0\x9d\x84\x9e"), t));
  EXPECT_FALSE(feed(reader, frame(1, "\xe2\x82") + frame(fin, "\xac"), t)); // a character cut in two
  EXPECT_FALSE(feed(reader, frame(fin | 9, std::string(125, 'p')), t));
  // A length in more bytes than it needs is odd, not dangerous.
  EXPECT_FALSE(feed(reader, bytes_of({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'z'}), t));
  EXPECT_EQ(t.events.size(), 6u);
}

TEST(frame_reader, refuses_a_large_message_before_it_holds_a_byte_of_it) {
  frame_reader reader{role::server, 64 * 1024};
  transcript t;
  auto error = feed(reader, frame(fin | 2, std::string(64 * 1024 + 1, 'x')).substr(0, 14), t);
  EXPECT_EQ(error.code, close_code::too_big);
  EXPECT_EQ(reader.held_bytes(), 0u);
}

TEST(frame_reader, ends_a_message_of_endless_empty_fragments) {
  frame_reader reader{role::server, 64 * 1024};
  transcript t;
  auto error = feed(reader, frame(1, ""), t);
  size_t fragments = 1;
  for (; !error && fragments < 100000; ++fragments)
    error = feed(reader, frame(0, ""), t);
  EXPECT_EQ(error.code, close_code::policy);
  EXPECT_LT(fragments, 10000u);
  EXPECT_GT(fragments, 4000u);
}

TEST(frame_reader, stops_where_the_sink_says_so) {
  frame_reader reader{role::server, 1000};
  transcript t;
  t.stop_after = 2;
  auto message = frame(fin | 1, "x");
  EXPECT_FALSE(feed(reader, message + message + message, t));
  EXPECT_FALSE(feed(reader, message, t));
  EXPECT_EQ(t.events.size(), 2u);
}

TEST(frame_reader, may_be_destroyed_by_its_sink) {
  struct killer : frame_sink {
    bool kill() {
      victim.reset();
      return false;
    }
    bool on_message(opcode, std::span<char> body) override {
      auto result = kill();
      text.assign(body.data(), body.size()); // the body outlives the reader
      return result;
    }
    bool on_control(opcode, std::span<char>) override { return kill(); }
    std::unique_ptr<frame_reader> victim;
    std::string text;
  };
  for (auto &bytes :
       {frame(fin | 1, "whole"), frame(1, "who") + frame(fin, "le"), frame(1, "x") + frame(fin | 9, "")}) {
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      killer k;
      k.victim = std::make_unique<frame_reader>(role::server, 1000);
      auto &reader = *k.victim;
      ASSERT_FALSE(feed(reader, bytes.substr(0, cut), k));
      if (k.victim) {
        ASSERT_FALSE(feed(reader, bytes.substr(cut) + "rest", k));
      }
      ASSERT_EQ(k.victim, nullptr);
    }
  }
}

} // namespace
} // namespace stentor::net
