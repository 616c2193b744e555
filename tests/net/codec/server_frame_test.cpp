// SPDX-License-Identifier: Apache-2.0
// The server's frames: what the node writes and what the client library reads, bound to the golden vectors.
#include "net/codec/protocol.hpp"

#include "tests/net/codec/vectors.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::net;
using namespace stentor::test;
using nlohmann::json;

namespace {

/// The texts a frame's views point to.
using texts = std::vector<std::string>;

std::vector<std::string_view> views(const texts &names) {
  return {names.begin(), names.end()};
}

stage stage_from(const std::string &text) {
  for (auto s : {stage::accepted, stage::directory, stage::sent, stage::session, stage::written})
    if (to_string(s) == text)
      return s;
  ADD_FAILURE() << text;
  return stage::accepted;
}

via via_of(const json &x) {
  return {node_id::trusted(x.at("node")), x.at("epoch")};
}

outcome outcome_of(const json &x) {
  outcome out;
  out.what = verdict_from(x.at("verdict").get<std::string>()).value();
  if (x.contains("at"))
    out.at = stage_from(x["at"]);
  if (x.contains("via"))
    out.by = via_of(x["via"]);
  if (x.contains("first"))
    out.first = verdict_from(x["first"].get<std::string>());
  if (x.contains("detail"))
    out.detail = x["detail"].get_ptr<const std::string *>()->c_str();
  return out;
}

void encode_verdict(format f, std::string &out, const json &x) {
  std::string id = x.at("id");
  std::vector<device_verdict> devices;
  if (x.contains("devices"))
    for (const auto &device : x["devices"])
      devices.push_back({*device.at("device").get_ptr<const std::string *>(), outcome_of(device)});
  verdict_frame frame{id,      outcome_of(x),        x.at("us").at("total"), x.at("us").at("target"),
                      devices, x.contains("devices")};
  encode(f, out, frame);
}

void encode_event(format f, std::string &out, const json &x) {
  std::string kind = x.at("kind");
  std::string device = x.value("device", "");
  texts names = x.value("devices", texts{});
  auto devices = views(names);
  event_frame frame;
  frame.type = kind == "online"    ? event_frame::kind::online
               : kind == "offline" ? event_frame::kind::offline
                                   : event_frame::kind::resync;
  frame.device = device;
  frame.ep = x.value("epoch", epoch{0});
  frame.devices = devices;
  encode(f, out, frame);
}

void encode_welcome(format f, std::string &out, const json &x) {
  texts t{x.at("device"), x.at("account"), x.at("session")};
  const auto &lim = x.at("limits");
  encode(f, out,
         welcome_frame{t[0], t[1], t[2], x.at("resumed"), x.at("heartbeat_ms"), lim.at("max_frame_bytes"),
                       lim.at("rate_per_s"), lim.at("burst"), lim.at("max_timeout_ms")});
}

/// The payload of a `msg` as it stands in the vector: a compact text, or its MessagePack.
std::string payload_of(const json &vector, format f) {
  auto text = vector.at("json").get<std::string>();
  auto start = text.find("\"data\":") + 7;
  text = text.substr(start, text.size() - start - 1);
  if (f == format::json)
    return text;
  auto bytes = transcode(format::json, format::msgpack, text);
  EXPECT_TRUE(bytes);
  return bytes ? *bytes : std::string{};
}

std::string encoded(const json &vector, format f) {
  const auto &x = vector.at("frame");
  std::string t = x.at("t");
  std::string out;
  texts store;
  auto text = [&](const char *name) { return x.value(name, ""); };
  if (t == "welcome") {
    encode_welcome(f, out, x);
  } else if (t == "msg") {
    store = {text("id"), text("from"), payload_of(vector, f)};
    encode(f, out, msg_frame{store[0], store[1], store[2], x.value("ack", false)});
  } else if (t == "verdict") {
    encode_verdict(f, out, x);
  } else if (t == "devices") {
    store = x.at("devices").get<texts>();
    encode_devices(f, out, views(store));
  } else if (t == "event") {
    encode_event(f, out, x);
  } else if (t == "goaway") {
    store = {text("reason")};
    encode(f, out, goaway_frame{x.at("reconnect_in_ms"), store[0]});
  } else {
    store = {text("code"), text("message"), text("id")};
    encode(f, out, error_frame{store[0], store[1], store[2]});
  }
  return out;
}

void expect_fields(const server_frame &read, const json &x) {
  EXPECT_EQ(read.id, x.value("id", ""));
  EXPECT_EQ(read.device, x.value("device", ""));
  EXPECT_EQ(read.account, x.value("account", ""));
  EXPECT_EQ(read.session, x.value("session", ""));
  EXPECT_EQ(read.from, x.value("from", ""));
  EXPECT_EQ(read.reason, x.value("reason", ""));
  EXPECT_EQ(read.code, x.value("code", ""));
  EXPECT_EQ(read.message, x.value("message", ""));
  EXPECT_EQ(read.detail, x.value("detail", ""));
  EXPECT_EQ(read.at, x.value("at", ""));
  EXPECT_EQ(read.event_kind, x.value("kind", ""));
  EXPECT_EQ(read.resumed, x.value("resumed", false));
  EXPECT_EQ(read.ack, x.value("ack", false));
  EXPECT_EQ(read.heartbeat_ms, x.value("heartbeat_ms", 0u));
  EXPECT_EQ(read.reconnect_in_ms, x.value("reconnect_in_ms", 0u));
  EXPECT_EQ(read.ep, x.value("epoch", epoch{0}));
  EXPECT_EQ(read.result, verdict_from(x.value("verdict", "")));
  EXPECT_EQ(read.first, verdict_from(x.value("first", "")));
  if (x.contains("via")) {
    EXPECT_EQ(read.by, via_of(x["via"]));
  }
  if (x.contains("us")) {
    EXPECT_EQ(read.total_us, x["us"].at("total").get<uint32_t>());
    EXPECT_EQ(read.target_us, x["us"].at("target").get<uint32_t>());
  }
  if (x.contains("limits")) {
    EXPECT_EQ(read.max_frame_bytes, x["limits"].at("max_frame_bytes").get<uint32_t>());
    EXPECT_EQ(read.max_timeout_ms, x["limits"].at("max_timeout_ms").get<uint32_t>());
    EXPECT_EQ(read.rate_per_s, x["limits"].at("rate_per_s").get<double>());
    EXPECT_EQ(read.burst, x["limits"].at("burst").get<double>());
  }
  texts names;
  std::vector<std::pair<std::string, verdict>> verdicts;
  for (const auto &device : x.value("devices", json::array()))
    if (device.is_string())
      names.push_back(device);
    else
      verdicts.emplace_back(device.at("device"),
                            verdict_from(device.at("verdict").get<std::string>()).value());
  EXPECT_EQ(read.devices, names);
  EXPECT_EQ(read.device_verdicts, verdicts);
}

} // namespace

TEST(server_frame, is_written_as_the_vectors_say_byte_for_byte) {
  for (const auto &vector : load_vectors("server_frames"))
    for (auto f : both_formats) {
      SCOPED_TRACE(vector.at("name").get<std::string>() + " as " + name_of(f));
      EXPECT_EQ(shown(encoded(vector, f), f), shown(form(vector, f), f));
    }
}

TEST(server_frame, is_read_as_the_vectors_say) {
  for (const auto &vector : load_vectors("server_frames"))
    for (auto f : both_formats) {
      SCOPED_TRACE(vector.at("name").get<std::string>() + " as " + name_of(f));
      auto read = decode_server_frame(f, exact{form(vector, f)});
      ASSERT_TRUE(read) << render(read.error());
      expect_fields(*read, vector.at("frame"));
      if (vector.at("frame").contains("data")) {
        EXPECT_EQ(shown(read->data, f), shown(payload_of(vector, f), f));
      }
    }
}

TEST(server_frame, cut_anywhere_is_refused) {
  for (const auto &vector : load_vectors("server_frames"))
    for (auto f : both_formats) {
      auto whole = form(vector, f);
      for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decode_server_frame(f, exact{whole.substr(0, size)}))
            << vector.at("name") << ' ' << size;
    }
}

TEST(server_frame, is_refused_where_a_field_has_a_wrong_type_or_value) {
  for (auto text : {R"({"t":"msg","id":1})", R"({"t":"shout"})", R"({"id":"x"})", R"([])",
                    R"({"t":"verdict","verdict":"fine"})", R"({"t":"verdict","us":{"total":-1}})",
                    R"({"t":"verdict","us":{"total":4294967296}})", R"({"t":"verdict","via":[]})",
                    R"({"t":"verdict","devices":[{"device":"a"}]})", R"({"t":"devices","devices":{}})",
                    R"({"t":"devices","devices":[1]})", R"({"t":"welcome","resumed":1})",
                    R"({"t":"welcome","limits":{"burst":"x"}})"})
    EXPECT_FALSE(decode_server_frame(format::json, exact{text})) << text;
}

TEST(server_frame, ignores_fields_it_does_not_know) {
  auto read =
      decode_server_frame(format::json, exact{R"({"t":"goaway","new":[1,{"a":2}],"reason":"drain"})"});
  ASSERT_TRUE(read) << render(read.error());
  EXPECT_EQ(read->reason, "drain");
}
