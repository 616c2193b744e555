// SPDX-License-Identifier: Apache-2.0
// docs/protocol.md is normative: what it shows must be true.
#include "net/codec/protocol.hpp"

#include "net/websocket/ws_frame.hpp"
#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <vector>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;

namespace {

struct fence {
  std::string language;
  std::vector<std::string> lines;
};

std::vector<std::string> lines_of_text() {
  std::ifstream file{STENTOR_SOURCE_DIR "/docs/protocol.md"};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  EXPECT_FALSE(lines.empty());
  return lines;
}

std::vector<fence> fences() {
  std::vector<fence> found;
  auto is_open = false;
  for (const auto &line : lines_of_text()) {
    if (line.starts_with("```")) {
      if (!is_open)
        found.push_back({line.substr(3), {}});
      is_open = !is_open;
    } else if (is_open) {
      found.back().lines.push_back(line);
    }
  }
  return found;
}

/// The objects in a fence, which may run over several lines.
std::vector<std::string> objects(const fence &f) {
  std::vector<std::string> found;
  std::string open;
  for (const auto &line : f.lines) {
    open += line;
    if (nlohmann::json::accept(open))
      found.push_back(std::exchange(open, {}));
  }
  EXPECT_EQ(open, "");
  return found;
}

} // namespace

TEST(protocol_text, shows_frames_that_are_taken) {
  codec c;
  size_t count = 0;
  for (const auto &f : fences()) {
    if (f.language != "json")
      continue;
    for (const auto &text : objects(f)) {
      client_frame frame;
      frame_refusal why;
      EXPECT_TRUE(c.decode(format::json, text, frame, why) || decode_server_frame(format::json, text))
          << text;
      ++count;
    }
  }
  EXPECT_GE(count, 12u);
}

TEST(protocol_text, shows_the_messagepack_of_the_json_before_it) {
  std::string before;
  size_t count = 0;
  for (const auto &f : fences()) {
    if (f.language == "json")
      before = objects(f).front();
    if (!f.language.empty() || !std::isxdigit(static_cast<unsigned char>(f.lines.front().front())))
      continue;
    std::string hex;
    for (const auto &line : f.lines)
      std::copy_if(line.begin(), line.end(), std::back_inserter(hex), [](char c) { return c != ' '; });
    auto image = transcode(format::json, format::msgpack, before);
    ASSERT_TRUE(image) << before;
    EXPECT_EQ(hex, to_hex(*image)) << before;
    ++count;
  }
  EXPECT_EQ(count, 2u);
}

TEST(protocol_text, names_every_close_code_and_every_verdict) {
  std::string text;
  for (const auto &line : lines_of_text())
    text += line + '\n';
  for (auto code :
       {close_code::normal, close_code::going_away, close_code::protocol_error, close_code::unsupported,
        close_code::bad_payload, close_code::policy, close_code::too_big, close_code::internal,
        close_code::recycled, close_code::slow, close_code::dead, close_code::overloaded,
        close_code::superseded, close_code::unauthorized, close_code::token_expired, close_code::malformed})
    EXPECT_NE(text.find("\n| " + std::to_string(static_cast<int>(code)) + " |"), text.npos)
        << static_cast<int>(code);
  for (size_t v = 0; v < verdict_count; ++v)
    EXPECT_NE(text.find("\n| `" + std::string{to_string(static_cast<verdict>(v))} + "` |"), text.npos) << v;
}
