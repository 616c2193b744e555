// SPDX-License-Identifier: Apache-2.0
#include "net/codec/protocol.hpp"

#include "net/codec/base64.hpp"
#include "net/codec/json_string.hpp"
#include "net/codec/json_writer.hpp"
#include "net/codec/msgpack_writer.hpp"

#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;

namespace {

caf::expected<std::string> transcoded(format from, const std::string &value) {
  return transcode(from, from == format::json ? format::msgpack : format::json, exact{value});
}

/// The same random value in both formats, each as the transcoder would write it.
class random_value {
public:
  explicit random_value(uint64_t seed) : random_{seed} {}

  void write(size_t depth) {
    switch (pick(depth < 5 ? 9 : 6)) {
    case 0:
      both("null", "\xc0");
      break;
    case 1:
      pick(2) == 0 ? both("true", "\xc3") : both("false", "\xc2");
      break;
    case 2:
      integer();
      break;
    case 3:
      real();
      break;
    case 4:
      string(text());
      break;
    case 5:
      binary();
      break;
    case 6:
      array(depth);
      break;
    default:
      map(depth);
    }
  }

  std::string json, msgpack;

private:
  size_t pick(size_t n) { return random_() % n; }
  void both(std::string_view j, std::string_view m) {
    json += j;
    msgpack += m;
  }

  void integer() {
    auto bits = random_() >> pick(64);
    if (pick(2) == 0) {
      json += std::to_string(bits);
      msgpack_writer{msgpack}.integer(bits);
    } else {
      auto x = -static_cast<int64_t>(bits >> 1) - 1;
      json += std::to_string(x);
      msgpack_writer{msgpack}.negative(x);
    }
  }

  void real() {
    auto x = std::bit_cast<double>(random_());
    if (!std::isfinite(x) || pick(4) == 0)
      x = static_cast<double>(static_cast<int64_t>(random_() >> 40)) / 8 - 100;
    append_json_real(json, x);
    msgpack_writer{msgpack}.real(x);
  }

  std::string text() {
    static constexpr std::string_view pieces[] = {"a",
                                                  "$",
                                                  "bin",
                                                  "\"",
                                                  "\\",
                                                  "\n",
                                                  "\x01",
                                                  "\x7f",
                                                  "/",
                                                  "\xc3\xa9",
                                                  "\xf0\x9f\x98\x80",
                                                  "0123456789abcdef",
                                                  "AA=="};
    std::string out;
    for (auto n = pick(6); n > 0; --n)
      out += pieces[pick(std::size(pieces))];
    return out;
  }

  void string(const std::string &x) {
    append_json_string(json, x);
    msgpack_writer{msgpack}.text(x);
  }

  void binary() {
    std::string bytes;
    for (auto n = pick(40); n > 0; --n)
      bytes.push_back(static_cast<char>(random_()));
    json += "{\"$bin\":\"";
    append_base64(json, bytes);
    json += "\"}";
    msgpack_writer{msgpack}.binary(bytes);
  }

  void array(size_t depth) {
    auto n = pick(20);
    json += '[';
    msgpack_writer{msgpack}.begin_array(n);
    for (size_t i = 0; i < n; ++i) {
      json += i > 0 ? "," : "";
      write(depth + 1);
    }
    json += ']';
  }

  void map(size_t depth) {
    if (pick(4) == 0)
      return marked();
    auto n = pick(18);
    json += '{';
    msgpack_writer{msgpack}.begin_map(n);
    for (size_t i = 0; i < n; ++i) {
      json += i > 0 ? "," : "";
      string("k" + text());
      json += ':';
      write(depth + 1);
    }
    json += '}';
  }

  /// A map that looks like a mark in MessagePack, and therefore has one `$` more in JSON.
  void marked() {
    auto key = std::string(1 + pick(3), '$') + "bin";
    json += "{\"$" + key + "\":";
    msgpack_writer{msgpack}.begin_map(1);
    msgpack_writer{msgpack}.text(key);
    string(text());
    json += '}';
  }

  std::mt19937_64 random_;
};

} // namespace

TEST(transcode, turns_every_payload_of_the_vectors_into_its_image) {
  for (const auto &vector : load_vectors("payloads")) {
    auto direction = vector.at("direction").get<std::string>();
    for (auto from : both_formats) {
      if (direction != "both" && direction != (from == format::json ? "to_msgpack" : "to_json"))
        continue;
      SCOPED_TRACE(vector.at("name").get<std::string>() + " from " + name_of(from));
      auto image = transcoded(from, form(vector, from));
      if (vector.contains("refusal")) {
        ASSERT_FALSE(image) << *image;
        EXPECT_EQ(code_name(static_cast<errc>(image.error().code())),
                  vector["refusal"].at("code").get<std::string>())
            << render(image.error());
        continue;
      }
      ASSERT_TRUE(image) << render(image.error());
      auto to = from == format::json ? format::msgpack : format::json;
      EXPECT_EQ(shown(*image, to), shown(form(vector, to), to));
    }
  }
}

TEST(transcode, brings_random_values_there_and_back_exactly) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  codec c;
  for (uint64_t i = 0; i < 400; ++i) {
    random_value x{seed + i};
    x.write(0);
    ASSERT_FALSE(c.check(format::json, exact{x.json})) << x.json;
    ASSERT_FALSE(c.check(format::msgpack, exact{x.msgpack})) << to_hex(x.msgpack);
    auto packed = transcoded(format::json, x.json);
    ASSERT_TRUE(packed) << render(packed.error()) << '\n' << x.json;
    ASSERT_EQ(to_hex(*packed), to_hex(x.msgpack)) << x.json;
    auto text = transcoded(format::msgpack, x.msgpack);
    ASSERT_TRUE(text) << render(text.error()) << '\n' << x.json;
    ASSERT_EQ(*text, x.json);
  }
}

TEST(transcode, refuses_every_payload_of_the_vectors_cut_anywhere) {
  for (const auto &vector : load_vectors("payloads"))
    for (auto from : both_formats) {
      if (!has_form(vector, from) || vector.contains("refusal"))
        continue;
      auto whole = form(vector, from);
      auto is_number = from == format::json && whole.find_first_of("[{\"tfn") == std::string::npos;
      for (size_t size = 0; size < whole.size() && !is_number; ++size) {
        auto image = transcoded(from, whole.substr(0, size));
        auto is_whole = whole.find_first_not_of(" \n\t", size) == std::string::npos;
        EXPECT_EQ(static_cast<bool>(image), from == format::json && is_whole)
            << vector.at("name") << ' ' << size;
      }
    }
}

TEST(transcode, gives_every_image_back_to_the_other_side_or_refuses_rubbish) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (auto from : both_formats)
    for (uint64_t i = 0; i < 2000; ++i) {
      random_value x{seed + i % 50};
      x.write(2);
      auto &value = from == format::json ? x.json : x.msgpack;
      for (auto n = 1 + random() % 3; n > 0; --n)
        value[random() % value.size()] = static_cast<char>(random());
      auto image = transcoded(from, value);
      if (!image)
        continue;
      auto to = from == format::json ? format::msgpack : format::json;
      auto back = transcoded(to, *image);
      ASSERT_TRUE(back) << render(back.error()) << ' ' << shown(value, from);
      auto again = transcoded(from, *back);
      ASSERT_TRUE(again) << render(again.error()) << ' ' << shown(value, from);
      ASSERT_EQ(shown(*again, to), shown(*image, to));
    }
}

TEST(transcode, of_a_format_to_itself_checks_and_copies) {
  EXPECT_EQ(transcode(format::json, format::json, " [1]").cvalue(), " [1]");
  EXPECT_EQ(transcode(format::json, format::json, "[1").error(), errc::malformed);
}
