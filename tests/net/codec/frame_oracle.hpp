// SPDX-License-Identifier: Apache-2.0
// msgpack-c as the judge of whole MessagePack frames and of payloads that went to JSON and back. Each
// function returns what we and the library see differently; empty: nothing. Test code only.
#pragma once

#include "tests/net/codec/msgpack_oracle.hpp"

#include <optional>

namespace stentor::test {

/// The member `key` of a map with string keys, the last one of several; null if there is none.
inline const msgpack::object *member_of(const msgpack::object &map, std::string_view key) {
  for (auto i = map.via.map.size; i > 0; --i)
    if (text_of(map.via.map.ptr[i - 1].key) == key)
      return &map.via.map.ptr[i - 1].val;
  return nullptr;
}

/// Absent counts as the default.
inline bool is_text_member(const msgpack::object &map, std::string_view key, std::string_view value) {
  auto x = member_of(map, key);
  return x ? is_text(*x) && text_of(*x) == value : value.empty();
}
inline bool is_number_member(const msgpack::object &map, std::string_view key,
                             std::optional<uint64_t> value) {
  auto x = member_of(map, key);
  return x ? value && x->type == msgpack::type::POSITIVE_INTEGER && x->via.u64 == *value : !value;
}
inline bool is_flag_member(const msgpack::object &map, std::string_view key, bool value) {
  auto x = member_of(map, key);
  return x ? x->type == msgpack::type::BOOLEAN && x->via.boolean == value : !value;
}
/// `raw` is the member's own bytes: exactly one value, and the same.
inline bool is_raw_member(const msgpack::object &map, std::string_view key, std::string_view raw) {
  auto x = member_of(map, key);
  if (!x)
    return raw.empty();
  net::msgpack_reader r{raw};
  return is_read_as(r, *x) && (r.failure() || r.at_end());
}

/// docs/protocol.md: a map with string keys, and so is the first `to` if it is a map; 32 levels in each
/// value.
inline bool is_readable_frame(const msgpack::object &x) {
  auto is_flat = [](const msgpack::object &map) {
    const auto &members = map.via.map;
    return std::all_of(members.ptr, members.ptr + members.size,
                       [](const auto &m) { return levels(m.val) <= net::max_depth; });
  };
  if (!is_map(x) || !has_text_keys(x))
    return false;
  const msgpack::object *to = nullptr;
  for (size_t i = 0; i < x.via.map.size; ++i) {
    const auto &[key, value] = x.via.map.ptr[i];
    auto is_target = !to && text_of(key) == "to";
    if (is_target)
      to = &value;
    if (is_target && is_map(value) ? !has_text_keys(value) || !is_flat(value)
                                   : levels(value) > net::max_depth)
      return false;
  }
  return true;
}

inline bool is_client_frame(const msgpack::object &x, const net::client_frame &frame) {
  constexpr const char *types[] = {"send", "ack", "devices", "watch", "unwatch", "auth"};
  auto to = member_of(x, "to");
  auto is_account = to && is_map(*to);
  auto wants = member_of(x, "want");
  return is_text_member(x, "t", types[static_cast<size_t>(frame.type)]) &&
         is_text_member(x, "id", frame.id) && (is_account || is_text_member(x, "to", frame.to_device)) &&
         (is_account ? frame.to_device.empty() && is_text_member(*to, "account", frame.to_account) &&
                           is_flag_member(*to, "except_me", frame.except_me)
                     : frame.to_account.empty() && !frame.except_me) &&
         is_raw_member(x, "data", frame.data) &&
         (wants ? is_text_member(x, "want", to_string(frame.wants)) : frame.wants == want::written) &&
         is_number_member(x, "ttl_ms", frame.ttl_ms) && is_number_member(x, "timeout_ms", frame.timeout_ms) &&
         is_text_member(x, "key", frame.key) && is_text_member(x, "token", frame.token) &&
         is_text_member(x, "resume", frame.resume);
}

inline std::string disagreement_about_client_frame(std::string_view bytes) {
  auto theirs = read_by_library(bytes, net::max_depth + 2); // the frame and its `to`
  auto is_whole = theirs.is_good && theirs.size == bytes.size();
  net::codec c;
  net::client_frame ours;
  net::frame_refusal why;
  if (c.decode(format::msgpack, bytes, ours, why)) {
    if (!is_whole || !is_readable_frame(theirs.value()))
      return "we take a frame that the library refuses";
    return is_client_frame(theirs.value(), ours) ? "" : "what a client's frame holds";
  }
  if (why.unparsable != !(is_whole && is_readable_frame(theirs.value())))
    return why.unparsable ? "we find no frame: " + why.message : "we refuse only fields: " + why.message;
  return {};
}

/// Numbers of absent members are 0.
inline bool is_server_frame(const msgpack::object &x, const net::server_frame &frame) {
  constexpr const char *types[] = {"welcome", "msg", "verdict", "devices", "event", "goaway", "error"};
  auto number = [&x](const char *key, uint64_t value) {
    return member_of(x, key) ? is_number_member(x, key, value) : value == 0;
  };
  auto judged = [&x](const char *key, std::optional<verdict> value) {
    return member_of(x, key) ? value && is_text_member(x, key, to_string(*value)) : !value;
  };
  return is_text_member(x, "t", types[static_cast<size_t>(frame.type)]) &&
         is_text_member(x, "id", frame.id) && is_text_member(x, "device", frame.device) &&
         is_text_member(x, "account", frame.account) && is_text_member(x, "session", frame.session) &&
         is_text_member(x, "from", frame.from) && is_text_member(x, "reason", frame.reason) &&
         is_text_member(x, "code", frame.code) && is_text_member(x, "message", frame.message) &&
         is_text_member(x, "detail", frame.detail) && is_text_member(x, "at", frame.at) &&
         is_text_member(x, "kind", frame.event_kind) && is_raw_member(x, "data", frame.data) &&
         is_flag_member(x, "resumed", frame.resumed) && is_flag_member(x, "ack", frame.ack) &&
         number("heartbeat_ms", frame.heartbeat_ms) && number("reconnect_in_ms", frame.reconnect_in_ms) &&
         number("epoch", frame.ep) && judged("verdict", frame.result) && judged("first", frame.first);
}

inline std::string disagreement_about_server_frame(std::string_view bytes) {
  auto ours = net::decode_server_frame(format::msgpack, bytes);
  if (!ours)
    return {}; // it may be a field's type, which the library does not know
  auto theirs = read_by_library(bytes, net::max_depth + 3); // the frame, `devices` and one of them
  if (!theirs.is_good || theirs.size != bytes.size() || !is_map(theirs.value()) ||
      !has_text_keys(theirs.value()))
    return "we take a server's frame that the library refuses";
  return is_server_frame(theirs.value(), *ours) ? "" : "what a server's frame holds";
}

/// Equal values; a number is real in both or in none. The library's `==` takes -0.0 for 0.0.
inline bool is_same(const msgpack::object &x, const msgpack::object &y) {
  auto is_real = [](const msgpack::object &v) {
    return v.type == msgpack::type::FLOAT32 || v.type == msgpack::type::FLOAT64;
  };
  if (is_real(x) || is_real(y))
    return is_real(x) && is_real(y) && is_same_real(x.via.f64, y.via.f64);
  if (x.type != y.type)
    return false;
  if (x.type == msgpack::type::ARRAY) {
    const auto &a = x.via.array, &b = y.via.array;
    return std::equal(a.ptr, a.ptr + a.size, b.ptr, b.ptr + b.size, is_same);
  }
  if (is_map(x)) {
    const auto &a = x.via.map, &b = y.via.map;
    return std::equal(a.ptr, a.ptr + a.size, b.ptr, b.ptr + b.size, [](const auto &m, const auto &n) {
      return is_same(m.key, n.key) && is_same(m.val, n.val);
    });
  }
  return x == y;
}

/// A payload that has an image in JSON is the same value to the library after it came back from there.
inline std::string disagreement_about_image(std::string_view bytes) {
  auto json = net::transcode(format::msgpack, format::json, bytes);
  if (!json)
    return {};
  auto before = read_by_library(bytes);
  if (!before.is_good || before.size != bytes.size())
    return "we transcode what the library refuses";
  auto back = net::transcode(format::json, format::msgpack, *json);
  if (!back)
    return "an image does not come back";
  auto after = read_by_library(*back);
  if (!after.is_good || after.size != back->size())
    return "the library refuses what we wrote";
  return is_same(before.value(), after.value()) ? "" : "what a payload is after JSON";
}

/// All of them: for bytes that may be anything.
inline std::string disagreement(std::string_view bytes) {
  for (auto judge : {disagreement_about_value, disagreement_about_client_frame,
                     disagreement_about_server_frame, disagreement_about_image})
    if (auto found = judge(bytes); !found.empty())
      return found;
  return {};
}

} // namespace stentor::test
