// SPDX-License-Identifier: Apache-2.0
// Two libraries judge the codec: msgpack-c reads what we read and what we write, nlohmann/json what we write
// as JSON. Seeds are printed.
#include "tests/net/codec/frame_oracle.hpp"

#include "net/codec/base64.hpp"

#include "tests/net/codec/random_msgpack.hpp"
#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;
using nlohmann::ordered_json;

namespace {

constexpr int rounds = 3000;

/// Whether `text` is the image of `x` by the table in docs/protocol.md#payloads, written from that table
/// alone.
bool is_image(const ordered_json &text, const msgpack::object &x) {
  auto is_marked = [](std::string_view key) {
    auto name = key.substr(std::min(key.find_first_not_of('$'), key.size()));
    return name == "bin" && name.size() < key.size();
  };
  switch (x.type) {
  case msgpack::type::NIL:
    return text.is_null();
  case msgpack::type::BOOLEAN:
    return text.is_boolean() && text.get<bool>() == x.via.boolean;
  case msgpack::type::POSITIVE_INTEGER:
    return text.is_number_unsigned() && text.get<uint64_t>() == x.via.u64;
  case msgpack::type::NEGATIVE_INTEGER:
    return text.is_number_integer() && !text.is_number_unsigned() && text.get<int64_t>() == x.via.i64;
  case msgpack::type::FLOAT32:
  case msgpack::type::FLOAT64:
    return text.is_number_float() && is_same_real(text.get<double>(), x.via.f64);
  case msgpack::type::STR:
    return text.is_string() && text.get_ref<const std::string &>() == text_of(x);
  case msgpack::type::BIN: {
    std::string coded;
    append_base64(coded, {x.via.bin.ptr, x.via.bin.size});
    return text == ordered_json{{"$bin", coded}};
  }
  case msgpack::type::ARRAY: {
    auto p = x.via.array.ptr;
    return text.is_array() && std::equal(text.begin(), text.end(), p, p + x.via.array.size, is_image);
  }
  case msgpack::type::MAP: {
    auto p = x.via.map.ptr;
    auto end = p + x.via.map.size;
    if (!text.is_object() || text.size() != x.via.map.size)
      return false;
    auto is_alone = x.via.map.size == 1;
    for (auto member = text.begin(); p != end; ++p, ++member) {
      std::string key{text_of(p->key)};
      if (is_alone && is_text(p->val) && is_marked(key))
        key.insert(0, "$");
      if (member.key() != key || !is_image(member.value(), p->val))
        return false;
    }
    return true;
  }
  case msgpack::type::EXT:
    break;
  }
  return false;
}

/// Both forms of one frame or payload are the same to the two libraries.
void expect_same(const std::string &json, const std::string &msgpack) {
  auto packed = read_by_library(msgpack, max_depth + 3);
  ASSERT_TRUE(packed.is_good && packed.size == msgpack.size()) << to_hex(msgpack);
  auto text = ordered_json::parse(json, nullptr, false);
  ASSERT_FALSE(text.is_discarded()) << json;
  EXPECT_TRUE(is_image(text, packed.value())) << json << '\n' << to_hex(msgpack);
}

/// Writes a frame in both formats by `write(format, out, data)`, its payload in the format's own form.
template <class Write>
void expect_same_frame(const std::string &msgpack_data, Write write) {
  auto json_data = transcode(format::msgpack, format::json, msgpack_data);
  ASSERT_TRUE(json_data) << render(json_data.error()) << ' ' << to_hex(msgpack_data);
  std::string json, packed;
  write(format::json, json, std::string_view{*json_data});
  write(format::msgpack, packed, std::string_view{msgpack_data});
  expect_same(json, packed);
}

} // namespace

TEST(msgpack_oracle, reads_every_form_of_every_value_as_we_do) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  for (int i = 0; i < rounds; ++i) {
    auto bytes = random.any_value();
    ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
    auto followed = bytes + random.bytes(1 + random.below(3));
    ASSERT_EQ(disagreement(exact{followed}), "") << to_hex(followed);
  }
}

TEST(msgpack_oracle, refuses_changed_and_cut_values_as_we_do) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  for (int i = 0; i < rounds; ++i) {
    auto bytes = random.any_value();
    for (auto n = 1 + random.below(3); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
    bytes.resize(random.below(bytes.size() + 1));
    ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
    bytes = random.bytes(random.below(40));
    ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
  }
}

TEST(msgpack_oracle, counts_levels_as_we_do) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  for (size_t depth = max_depth - 4; depth < max_depth + 5; ++depth)
    for (int i = 0; i < 200; ++i) {
      auto bytes = random.nested(depth);
      EXPECT_EQ(read_by_library(bytes).is_good, depth <= max_depth);
      ASSERT_EQ(disagreement(exact{bytes}), "") << depth << ' ' << to_hex(bytes);
      auto frame = random.frame_around(bytes);
      ASSERT_EQ(disagreement(exact{frame}), "") << depth << ' ' << to_hex(frame);
    }
}

TEST(msgpack_oracle, reads_frames_of_the_vectors_and_changed_ones_as_we_do) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  for (auto file : {"client_frames", "refused_frames", "server_frames"})
    for (const auto &vector : load_vectors(file)) {
      if (!has_form(vector, format::msgpack))
        continue;
      auto whole = form(vector, format::msgpack);
      ASSERT_EQ(disagreement(exact{whole}), "") << vector.at("name");
      for (int i = 0; i < 60 && !whole.empty(); ++i) {
        auto bytes = whole;
        for (auto n = 1 + random.below(3); n > 0; --n)
          bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
        bytes.insert(random.below(bytes.size()), random.any_value());
        ASSERT_EQ(disagreement(exact{bytes}), "") << to_hex(bytes);
      }
    }
}

TEST(msgpack_oracle, sees_in_both_forms_of_a_payload_the_same_value) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  for (int i = 0; i < rounds; ++i) {
    auto packed = random.value_with_an_image();
    auto json = transcode(format::msgpack, format::json, exact{packed});
    ASSERT_TRUE(json) << render(json.error()) << ' ' << to_hex(packed);
    ASSERT_NO_FATAL_FAILURE(expect_same(*json, packed));
    auto back = transcode(format::json, format::msgpack, exact{*json});
    ASSERT_TRUE(back) << render(back.error()) << ' ' << *json;
    ASSERT_NO_FATAL_FAILURE(expect_same(*json, *back));
  }
}

TEST(msgpack_oracle, unpacks_every_frame_that_we_write) {
  random_msgpack random;
  SCOPED_TRACE(random.seed_text());
  constexpr size_t many = 40; // texts, arrays and numbers of every length of head
  for (int i = 0; i < 300; ++i) {
    auto data = random.value_with_an_image();
    std::vector<std::string> texts;
    for (size_t n = 0; n < many; ++n)
      texts.push_back(random.text());
    auto text = [&] { return std::string_view{texts[random.below(many)]}; };
    auto flag = [&] { return random.below(2) == 0; };
    auto short_number = [&] { return static_cast<uint32_t>(random.number()); };
    std::vector<std::string_view> names;
    for (auto n = random.below(many); n > 0; --n)
      names.push_back(text());
    auto judged = [&] {
      outcome x;
      x.what = static_cast<verdict>(random.below(verdict_count));
      x.at = static_cast<stage>(random.below(5));
      if (flag())
        x.by = {node_id::trusted("node-a"), random.number()};
      if (flag())
        x.first = static_cast<verdict>(random.below(verdict_count));
      x.detail = flag() ? "a \"detail\"" : nullptr;
      return x;
    };
    std::vector<device_verdict> devices;
    for (auto n = random.below(20); n > 0; --n)
      devices.push_back({text(), judged()});

    welcome_frame welcome{text(),         text(),        text(),        flag(),        short_number(),
                          short_number(), random.real(), random.real(), short_number()};
    event_frame event{static_cast<event_frame::kind>(random.below(3)), text(), random.number(), names};
    goaway_frame goaway{short_number(), text()};
    error_frame error{text(), text(), text()};
    verdict_frame verdict{text(), judged(), short_number(), short_number(), devices, flag()};
    msg_frame msg{text(), text(), {}, flag()};
    client_frame sent;
    sent.type = static_cast<client_frame::kind>(random.below(6));
    sent.id = text(), sent.key = text(), sent.token = text(), sent.resume = text();
    (flag() ? sent.to_device : sent.to_account) = text();
    sent.except_me = flag();
    sent.wants = static_cast<want>(random.below(4));
    if (flag())
      sent.ttl_ms = short_number(), sent.timeout_ms = short_number();

    expect_same_frame(data, [&](format f, std::string &out, auto) { encode(f, out, welcome); });
    expect_same_frame(data, [&](format f, std::string &out, auto) { encode(f, out, event); });
    expect_same_frame(data, [&](format f, std::string &out, auto) { encode(f, out, goaway); });
    expect_same_frame(data, [&](format f, std::string &out, auto) { encode(f, out, error); });
    expect_same_frame(data, [&](format f, std::string &out, auto) { encode(f, out, verdict); });
    expect_same_frame(data, [&](format f, std::string &out, auto) { encode_devices(f, out, names); });
    expect_same_frame(data, [&](format f, std::string &out, auto own) {
      msg.data = own;
      encode(f, out, msg);
    });
    expect_same_frame(data, [&](format f, std::string &out, auto own) {
      sent.data = own;
      encode(f, out, sent);
    });
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
}
