// SPDX-License-Identifier: Apache-2.0
// One template a frame writes it with either writer: same members, same order. `t` comes first always.
#include "net/codec/json_writer.hpp"
#include "net/codec/msgpack_writer.hpp"
#include "net/codec/protocol.hpp"

#include <array>

namespace stentor::net {

namespace {

template <class Writer>
void write_texts(Writer &w, std::span<const std::string_view> texts) {
  w.begin_array(texts.size());
  for (auto x : texts)
    w.text(x);
  w.end_array();
}

template <class Writer>
void write_via(Writer &w, const via &x) {
  w.key("via");
  w.begin_map(2);
  w.key("node");
  w.text(x.node.str());
  w.key("epoch");
  w.integer(x.ep);
  w.end_map();
}

// -- hot: `msg` and `verdict` ----

template <class Writer>
void write(Writer &w, const msg_frame &x) {
  w.begin_map(size_t{3} + (x.from.empty() ? 0 : 1) + (x.ack ? 1 : 0));
  w.key("t");
  w.text("msg");
  w.key("id");
  w.text(x.id);
  if (!x.from.empty()) {
    w.key("from");
    w.text(x.from);
  }
  if (x.ack) {
    w.key("ack");
    w.boolean(true);
  }
  w.key("data");
  w.raw(x.data);
  w.end_map();
}

bool has_at(const outcome &x) noexcept {
  return x.what == verdict::unreachable;
}
bool has_via(const outcome &x) noexcept {
  return x.by.ep != 0;
}

template <class Writer>
void write(Writer &w, const device_verdict &x) {
  const auto &r = x.result;
  w.begin_map(size_t{2} + (has_at(r) ? 1 : 0) + (has_via(r) ? 1 : 0));
  w.key("device");
  w.text(x.device);
  w.key("verdict");
  w.text(to_string(r.what));
  if (has_at(r)) {
    w.key("at");
    w.text(to_string(r.at));
  }
  if (has_via(r))
    write_via(w, r.by);
  w.end_map();
}

template <class Writer>
void write(Writer &w, const verdict_frame &x) {
  const auto &r = x.result;
  auto has_devices = x.to_account || !x.devices.empty();
  w.begin_map(size_t{4} + (has_at(r) ? 1 : 0) + (has_via(r) ? 1 : 0) + (r.first ? 1 : 0) +
              (r.detail ? 1 : 0) + (has_devices ? 1 : 0));
  w.key("t");
  w.text("verdict");
  w.key("id");
  w.text(x.id);
  w.key("verdict");
  w.text(to_string(r.what));
  if (has_at(r)) {
    w.key("at");
    w.text(to_string(r.at));
  }
  if (has_via(r))
    write_via(w, r.by);
  if (r.first) {
    w.key("first");
    w.text(to_string(*r.first));
  }
  if (r.detail) {
    w.key("detail");
    w.text(r.detail);
  }
  w.key("us");
  w.begin_map(2);
  w.key("total");
  w.integer(x.total_us);
  w.key("target");
  w.integer(x.target_us);
  w.end_map();
  if (has_devices) {
    w.key("devices");
    w.begin_array(x.devices.size());
    for (const auto &device : x.devices)
      write(w, device);
    w.end_array();
  }
  w.end_map();
}

// -- the rest ----

template <class Writer>
void write(Writer &w, const welcome_frame &x) {
  w.begin_map(7);
  w.key("t");
  w.text("welcome");
  w.key("device");
  w.text(x.device);
  w.key("account");
  w.text(x.account);
  w.key("session");
  w.text(x.session);
  w.key("resumed");
  w.boolean(x.resumed);
  w.key("heartbeat_ms");
  w.integer(x.heartbeat_ms);
  w.key("limits");
  w.begin_map(4);
  w.key("max_frame_bytes");
  w.integer(x.max_frame_bytes);
  w.key("rate_per_s");
  w.real(x.rate_per_s);
  w.key("burst");
  w.real(x.burst);
  w.key("max_timeout_ms");
  w.integer(x.max_timeout_ms);
  w.end_map();
  w.end_map();
}

template <class Writer>
void write(Writer &w, const event_frame &x) {
  auto is_resync = x.type == event_frame::kind::resync;
  w.begin_map(is_resync ? 3 : 4);
  w.key("t");
  w.text("event");
  w.key("kind");
  if (is_resync) {
    w.text("resync");
    w.key("devices");
    write_texts(w, x.devices);
  } else {
    w.text(x.type == event_frame::kind::online ? "online" : "offline");
    w.key("device");
    w.text(x.device);
    w.key("epoch");
    w.integer(x.ep);
  }
  w.end_map();
}

template <class Writer>
void write(Writer &w, const goaway_frame &x) {
  w.begin_map(3);
  w.key("t");
  w.text("goaway");
  w.key("reconnect_in_ms");
  w.integer(x.reconnect_in_ms);
  w.key("reason");
  w.text(x.reason);
  w.end_map();
}

template <class Writer>
void write(Writer &w, const error_frame &x) {
  w.begin_map(x.id.empty() ? 3 : 4);
  w.key("t");
  w.text("error");
  w.key("code");
  w.text(x.code);
  w.key("message");
  w.text(x.message);
  if (!x.id.empty()) {
    w.key("id");
    w.text(x.id);
  }
  w.end_map();
}

struct devices_answer {
  std::span<const std::string_view> devices;
};

template <class Writer>
void write(Writer &w, const devices_answer &x) {
  w.begin_map(2);
  w.key("t");
  w.text("devices");
  w.key("devices");
  write_texts(w, x.devices);
  w.end_map();
}

// -- from a client ----

constexpr std::array<std::string_view, 6> type_names{"send", "ack", "devices", "watch", "unwatch", "auth"};

template <class Writer>
void write_optional(Writer &w, const client_frame &x) {
  if (!x.key.empty()) {
    w.key("key");
    w.text(x.key);
  }
  if (!x.token.empty()) {
    w.key("token");
    w.text(x.token);
  }
  if (!x.resume.empty()) {
    w.key("resume");
    w.text(x.resume);
  }
}

template <class Writer>
void write(Writer &w, const client_frame &x) {
  auto has_target = !x.to_device.empty() || !x.to_account.empty();
  size_t members = 1;
  for (bool present :
       {!x.id.empty(), has_target, x.wants != want::written, x.ttl_ms.has_value(), x.timeout_ms.has_value(),
        !x.key.empty(), !x.token.empty(), !x.resume.empty(), !x.data.empty()})
    members += present ? 1 : 0;
  w.begin_map(members);
  w.key("t");
  w.text(type_names[static_cast<size_t>(x.type)]);
  if (!x.id.empty()) {
    w.key("id");
    w.text(x.id);
  }
  if (has_target) {
    w.key("to");
    if (x.to_account.empty()) {
      w.text(x.to_device);
    } else {
      w.begin_map(x.except_me ? 2 : 1);
      w.key("account");
      w.text(x.to_account);
      if (x.except_me) {
        w.key("except_me");
        w.boolean(true);
      }
      w.end_map();
    }
  }
  if (x.wants != want::written) {
    w.key("want");
    w.text(to_string(x.wants));
  }
  if (x.ttl_ms) {
    w.key("ttl_ms");
    w.integer(*x.ttl_ms);
  }
  if (x.timeout_ms) {
    w.key("timeout_ms");
    w.integer(*x.timeout_ms);
  }
  write_optional(w, x);
  if (!x.data.empty()) {
    w.key("data");
    w.raw(x.data);
  }
  w.end_map();
}

template <class Frame>
void write_as(format f, std::string &out, const Frame &x) {
  if (f == format::json) {
    json_writer w{out};
    write(w, x);
  } else {
    msgpack_writer w{out};
    write(w, x);
  }
}

} // namespace

void encode(format f, std::string &out, const welcome_frame &x) {
  write_as(f, out, x);
}
[[gnu::flatten]] void encode(format f, std::string &out, const msg_frame &x) {
  // Escapes aside, one growth at most.
  out.reserve(out.size() + x.id.size() + x.from.size() + x.data.size() + 64);
  write_as(f, out, x);
}
[[gnu::flatten]] void encode(format f, std::string &out, const verdict_frame &x) {
  write_as(f, out, x);
}
void encode(format f, std::string &out, const event_frame &x) {
  write_as(f, out, x);
}
void encode(format f, std::string &out, const goaway_frame &x) {
  write_as(f, out, x);
}
void encode(format f, std::string &out, const error_frame &x) {
  write_as(f, out, x);
}
void encode(format f, std::string &out, const client_frame &x) {
  write_as(f, out, x);
}
void encode_devices(format f, std::string &out, std::span<const std::string_view> devices) {
  write_as(f, out, devices_answer{devices});
}

} // namespace stentor::net
