// SPDX-License-Identifier: Apache-2.0
// What holds for any input at all: nothing is read behind it, nothing cut is taken, nothing deep costs a
// stack.
#include "net/codec/protocol.hpp"

#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;

namespace {

bool taken(codec &c, format f, const std::string &bytes) {
  client_frame read;
  frame_refusal why;
  exact input{bytes};
  auto is_taken = c.decode(f, input, read, why);
  EXPECT_TRUE(is_taken || !why.message.empty());
  if (is_taken && read.type == client_frame::kind::send) {
    EXPECT_FALSE(c.check(f, exact{read.data})) << shown(bytes, f);
  }
  return is_taken;
}

void each_frame(const std::function<void(format, const std::string &)> &visit) {
  for (auto file : {"client_frames", "refused_frames"})
    for (const auto &vector : load_vectors(file))
      for (auto f : both_formats)
        if (has_form(vector, f))
          visit(f, form(vector, f));
}

std::string repeated(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i)
    out += piece;
  return out;
}

} // namespace

TEST(codec_property, a_frame_cut_anywhere_is_refused) {
  codec c;
  for (const auto &vector : load_vectors("client_frames"))
    for (auto f : both_formats) {
      auto whole = form(vector, f);
      whole.erase(whole.find_last_not_of(" \t") + 1);
      for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(taken(c, f, whole.substr(0, size))) << vector.at("name") << ' ' << size;
    }
}

TEST(codec_property, a_changed_frame_is_taken_or_refused_and_never_read_beyond) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  codec c;
  each_frame([&](format f, const std::string &whole) {
    if (whole.empty())
      return;
    for (int i = 0; i < 60; ++i) {
      auto bytes = whole;
      for (auto n = 1 + random() % 4; n > 0; --n)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      taken(c, f, bytes);
      taken(c, f, bytes.substr(random() % bytes.size()));
      (void)decode_server_frame(f, exact{bytes});
    }
  });
}

TEST(codec_property, depth_bombs_are_refused_wherever_they_stand) {
  codec c;
  constexpr size_t many = 60000;
  std::string json_bombs[] = {repeated("[", many), repeated("{\"a\":", many), repeated("[{\"a\":", many / 2)};
  for (const auto &bomb : json_bombs) {
    EXPECT_EQ(c.check(format::json, exact{bomb}), errc::too_deep);
    EXPECT_FALSE(transcode(format::json, format::msgpack, exact{bomb}));
    for (auto head : {R"({"t":"send","id":"a","to":"b","data":)", R"({"x":)", R"({"to":{"x":)", R"({"id":)",
                      R"({"ttl_ms":)", ""})
      EXPECT_FALSE(taken(c, format::json, head + bomb)) << head;
    EXPECT_FALSE(decode_server_frame(format::json, exact{R"({"t":"msg","data":)" + bomb}));
  }
  std::string msgpack_bombs[] = {repeated("\x91", many),
                                 repeated("\x81\xa1"
                                          "a",
                                          many),
                                 repeated("\x81", many),
                                 repeated(std::string_view{"\xdd\x00\x00\x00\x01", 5}, many / 5)};
  for (const auto &bomb : msgpack_bombs) {
    EXPECT_EQ(c.check(format::msgpack, exact{bomb}), errc::too_deep);
    EXPECT_FALSE(transcode(format::msgpack, format::json, exact{bomb}));
    for (auto head : {"81a464617461", "81a178", "81a2746f81a178", "81a26964", ""})
      EXPECT_FALSE(taken(c, format::msgpack, from_hex(head) + bomb)) << head;
    EXPECT_FALSE(decode_server_frame(format::msgpack, exact{from_hex("82a174a36d7367a464617461") + bomb}));
  }
}

TEST(codec_property, random_bytes_are_never_read_beyond) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  codec c;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (auto &b : bytes)
      b = static_cast<char>(random());
    for (auto f : both_formats) {
      taken(c, f, bytes);
      (void)c.check(f, exact{bytes});
      (void)decode_server_frame(f, exact{bytes});
    }
    (void)transcode(format::msgpack, format::json, exact{bytes});
  }
}
