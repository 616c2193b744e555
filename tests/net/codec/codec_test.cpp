// SPDX-License-Identifier: Apache-2.0
// Binds the codec to the golden vectors, in both formats.
#include "net/codec/protocol.hpp"

#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;
using nlohmann::json;

namespace {

const std::map<std::string, client_frame::kind> client_kinds{
    {"send", client_frame::kind::send},       {"ack", client_frame::kind::ack},
    {"devices", client_frame::kind::devices}, {"watch", client_frame::kind::watch},
    {"unwatch", client_frame::kind::unwatch}, {"auth", client_frame::kind::auth}};

/// What a vector's `frame` says, as views into `store`.
client_frame described(const json &frame, format f, std::vector<std::string> &store) {
  store.reserve(16);
  auto view = [&](const char *name) {
    return frame.contains(name) ? std::string_view{store.emplace_back(frame[name].get<std::string>())}
                                : std::string_view{};
  };
  client_frame x;
  x.type = client_kinds.at(frame.at("t"));
  x.id = view("id");
  x.to_device = view("to_device");
  x.to_account = view("to_account");
  x.except_me = frame.value("except_me", false);
  x.key = view("key");
  x.token = view("token");
  x.resume = view("resume");
  if (frame.contains("want"))
    x.wants = want_from(frame["want"].get<std::string>()).value();
  if (frame.contains("ttl_ms"))
    x.ttl_ms = frame["ttl_ms"].get<uint32_t>();
  if (frame.contains("timeout_ms"))
    x.timeout_ms = frame["timeout_ms"].get<uint32_t>();
  if (frame.contains("data"))
    x.data = store.emplace_back(form(frame["data"], f));
  return x;
}

void expect_equal(const client_frame &x, const client_frame &y, format f) {
  EXPECT_EQ(x.type, y.type);
  EXPECT_EQ(x.id, y.id);
  EXPECT_EQ(x.to_device, y.to_device);
  EXPECT_EQ(x.to_account, y.to_account);
  EXPECT_EQ(x.except_me, y.except_me);
  EXPECT_EQ(shown(x.data, f), shown(y.data, f));
  EXPECT_EQ(x.wants, y.wants);
  EXPECT_EQ(x.ttl_ms, y.ttl_ms);
  EXPECT_EQ(x.timeout_ms, y.timeout_ms);
  EXPECT_EQ(x.key, y.key);
  EXPECT_EQ(x.token, y.token);
  EXPECT_EQ(x.resume, y.resume);
}

} // namespace

TEST(codec, reads_every_client_frame_of_the_vectors) {
  codec c;
  for (const auto &vector : load_vectors("client_frames"))
    for (auto f : both_formats) {
      SCOPED_TRACE(vector.at("name").get<std::string>() + " as " + name_of(f));
      exact input{form(vector, f)};
      client_frame read;
      frame_refusal why;
      ASSERT_TRUE(c.decode(f, input, read, why)) << why.message;
      std::vector<std::string> store;
      expect_equal(read, described(vector.at("frame"), f, store), f);
    }
}

TEST(codec, writes_every_canonical_client_frame_of_the_vectors_byte_for_byte) {
  for (const auto &vector : load_vectors("client_frames"))
    for (auto f : both_formats) {
      if (!vector.at("canonical"))
        continue;
      SCOPED_TRACE(vector.at("name").get<std::string>() + " as " + name_of(f));
      std::vector<std::string> store;
      std::string out = "before";
      encode(f, out, described(vector.at("frame"), f, store));
      EXPECT_EQ(shown(out, f), shown("before" + form(vector, f), f));
    }
}

TEST(codec, refuses_every_bad_frame_of_the_vectors_with_its_code_and_the_frames_id) {
  codec c;
  for (const auto &vector : load_vectors("refused_frames"))
    for (auto f : both_formats) {
      if (!has_form(vector, f))
        continue;
      SCOPED_TRACE(vector.at("name").get<std::string>() + " as " + name_of(f));
      const auto &refusal = vector.at("refusal");
      exact input{form(vector, f)};
      client_frame read;
      frame_refusal why;
      why.id = "left over";
      why.unparsable = why.has_id = true;
      ASSERT_FALSE(c.decode(f, input, read, why));
      EXPECT_EQ(code_name(why.code), refusal.at("code").get<std::string>()) << why.message;
      EXPECT_EQ(why.unparsable, refusal.at("unparsable").get<bool>()) << why.message;
      EXPECT_NE(why.message, "");
      EXPECT_EQ(why.message.find(refusal.value("message", "")), 0u) << why.message;
      EXPECT_EQ(why.has_id, refusal.contains("id")) << why.message;
      if (why.has_id) {
        EXPECT_EQ(why.id, refusal.at("id").get<std::string>());
      }
    }
}

TEST(codec, takes_back_nothing_of_an_earlier_frame) {
  codec c;
  client_frame read;
  frame_refusal why;
  std::string_view full =
      R"({"t":"send","id":"a","to":{"account":"b","except_me":true},"want":"acked","ttl_ms":1,"timeout_ms":1,"key":"k","data":1})";
  ASSERT_TRUE(c.decode(format::json, exact{full}, read, why)) << why.message;
  ASSERT_TRUE(c.decode(format::json, exact{R"({"t":"watch"})"}, read, why)) << why.message;
  client_frame watch;
  watch.type = client_frame::kind::watch;
  expect_equal(read, watch, format::json);
}

TEST(codec, checks_one_value_and_nothing_behind_it) {
  codec c;
  EXPECT_FALSE(c.check(format::json, exact{" {\"a\": [1, 2]} "}));
  EXPECT_FALSE(c.check(format::msgpack, exact{from_hex("81a161920102")}));
  EXPECT_EQ(c.check(format::json, exact{"1 2"}), errc::malformed);
  EXPECT_EQ(c.check(format::msgpack, exact{from_hex("0102")}), errc::malformed);
  EXPECT_EQ(c.check(format::json, exact{""}), errc::malformed);
  EXPECT_EQ(c.check(format::msgpack, exact{""}), errc::malformed);
  EXPECT_EQ(c.check(format::json, exact{"\"\xff\""}), errc::malformed);
}

TEST(codec, every_error_code_has_a_word_of_its_own) {
  std::map<std::string_view, int> words;
  for (int code = 0; code <= static_cast<int>(errc::stale); ++code) // the newest value
    ++words[code_name(static_cast<errc>(code))];
  EXPECT_EQ(words.size(), static_cast<size_t>(errc::stale) + 1);
}
