// SPDX-License-Identifier: Apache-2.0
// Reads the server's frames for the client library. Lenient about what it does not know (unknown fields,
// unknown `t` is an error), strict about types: a server that breaks its own protocol is told at once.
#include "net/codec/json_reader.hpp"
#include "net/codec/msgpack_reader.hpp"
#include "net/codec/protocol.hpp"

#include <algorithm>
#include <array>

namespace stentor::net {

namespace {

constexpr std::array<std::string_view, 7> type_names{"welcome", "msg",    "verdict", "devices",
                                                     "event",   "goaway", "error"};

template <class Reader>
class server_frame_decoder {
public:
  server_frame_decoder(Reader &reader, server_frame &out) noexcept : r_{reader}, out_{out} {}

  caf::error run() {
    typename Reader::map members;
    std::string_view key;
    if (r_.enter(members))
      while (!wrong_ && r_.next(members, key))
        member(key);
    if (wrong_)
      return make_error(errc::malformed, std::string{"a frame's field has a wrong type or value: "} + wrong_);
    if (!r_.finish())
      return make_error(r_.failure().code, r_.failure().text);
    if (!has_type_)
      return make_error(errc::malformed, "a frame without `t`");
    return caf::none;
  }

private:
  void member(std::string_view key) {
    if (key == "t")
      type();
    else if (key == "id")
      text(out_.id, "id");
    else if (key == "data")
      data();
    else if (key == "from")
      text(out_.from, "from");
    else if (key == "ack")
      boolean(out_.ack, "ack");
    else if (key == "verdict")
      judged(out_.result, "verdict");
    else if (key == "us")
      spans();
    else if (key == "via")
      way(out_.by);
    else if (key == "at")
      text(out_.at, "at");
    else if (key == "first")
      judged(out_.first, "first");
    else if (key == "detail")
      text(out_.detail, "detail");
    else if (key == "devices")
      devices();
    else
      rare_member(key);
  }

  void rare_member(std::string_view key) {
    if (key == "device")
      text(out_.device, "device");
    else if (key == "account")
      text(out_.account, "account");
    else if (key == "session")
      text(out_.session, "session");
    else if (key == "resumed")
      boolean(out_.resumed, "resumed");
    else if (key == "heartbeat_ms")
      natural(out_.heartbeat_ms, "heartbeat_ms");
    else if (key == "limits")
      limits();
    else if (key == "reconnect_in_ms")
      natural(out_.reconnect_in_ms, "reconnect_in_ms");
    else if (key == "reason")
      text(out_.reason, "reason");
    else if (key == "code")
      text(out_.code, "code");
    else if (key == "message")
      text(out_.message, "message");
    else if (key == "kind")
      text(out_.event_kind, "kind");
    else if (key == "epoch")
      natural(out_.ep, "epoch");
    else
      ignore();
  }

  // -- fields ----

  void type() {
    std::string name;
    text(name, "t");
    auto found = std::find(type_names.begin(), type_names.end(), name);
    if (found == type_names.end())
      return fail("t");
    out_.type = static_cast<server_frame::kind>(found - type_names.begin());
    has_type_ = true;
  }

  void data() {
    std::string_view raw;
    if (r_.skip(raw))
      out_.data = raw;
  }

  void spans() {
    map("us", [this](std::string_view key) {
      if (key == "total")
        natural(out_.total_us, "us.total");
      else if (key == "target")
        natural(out_.target_us, "us.target");
      else
        ignore();
    });
  }

  void way(via &to) {
    std::string node;
    map("via", [&](std::string_view key) {
      if (key == "node")
        text(node, "via.node");
      else if (key == "epoch")
        natural(to.ep, "via.epoch");
      else
        ignore();
    });
    to.node = node_id::trusted(std::move(node));
  }

  void limits() {
    map("limits", [this](std::string_view key) {
      if (key == "max_frame_bytes")
        natural(out_.max_frame_bytes, "max_frame_bytes");
      else if (key == "max_timeout_ms")
        natural(out_.max_timeout_ms, "max_timeout_ms");
      else if (key == "rate_per_s")
        real(out_.rate_per_s, "rate_per_s");
      else if (key == "burst")
        real(out_.burst, "burst");
      else
        ignore();
    });
  }

  /// Names in `devices` and `event`, maps in `verdict`.
  void devices() {
    if (r_.peek() != value_kind::array)
      return fail("devices");
    typename Reader::array entries;
    r_.enter(entries);
    while (!wrong_ && r_.next(entries)) {
      if (r_.peek() == value_kind::map)
        device_verdict();
      else
        text(out_.devices.emplace_back(), "devices");
    }
  }

  void device_verdict() {
    std::string device;
    std::optional<verdict> result;
    map("devices", [&](std::string_view key) {
      if (key == "device")
        text(device, "devices.device");
      else if (key == "verdict")
        judged(result, "devices.verdict");
      else
        ignore();
    });
    if (!result)
      return fail("devices.verdict");
    out_.device_verdicts.emplace_back(std::move(device), *result);
  }

  // -- types ----

  template <class OnMember>
  void map(const char *name, OnMember on_member) {
    if (r_.peek() != value_kind::map)
      return fail(name);
    typename Reader::map members;
    std::string_view key;
    r_.enter(members);
    while (!wrong_ && r_.next(members, key))
      on_member(key);
  }

  void text(std::string &to, const char *name) {
    std::string_view value;
    if (r_.peek() != value_kind::string)
      return fail(name);
    if (r_.read(value))
      to = value;
  }

  void judged(std::optional<verdict> &to, const char *name) {
    std::string value;
    text(value, name);
    to = verdict_from(value);
    if (!to)
      fail(name);
  }

  void boolean(bool &to, const char *name) {
    if (r_.peek() != value_kind::boolean)
      return fail(name);
    r_.read(to);
  }

  template <class Natural>
  void natural(Natural &to, const char *name) {
    number x;
    if (r_.peek() != value_kind::number)
      return fail(name);
    if (!r_.read(x))
      return;
    if (x.type != number::kind::natural || x.u > std::numeric_limits<Natural>::max())
      return fail(name);
    to = static_cast<Natural>(x.u);
  }

  void real(double &to, const char *name) {
    number x;
    if (r_.peek() != value_kind::number)
      return fail(name);
    if (!r_.read(x))
      return;
    if (x.type == number::kind::natural)
      to = static_cast<double>(x.u);
    else if (x.type == number::kind::real)
      to = x.d;
    else
      fail(name);
  }

  void ignore() {
    std::string_view unused;
    r_.skip(unused);
  }

  /// A cut frame fails in the reader, not here.
  void fail(const char *name) {
    if (!wrong_ && !r_.failure())
      wrong_ = name;
  }

  Reader &r_;
  server_frame &out_;
  const char *wrong_ = nullptr;
  bool has_type_ = false;
};

} // namespace

caf::expected<server_frame> decode_server_frame(format f, std::string_view bytes) {
  server_frame out;
  caf::error err;
  if (f == format::json) {
    std::string scratch;
    json_reader r{bytes, scratch};
    err = server_frame_decoder<json_reader>{r, out}.run();
  } else {
    msgpack_reader r{bytes};
    err = server_frame_decoder<msgpack_reader>{r, out}.run();
  }
  if (err)
    return err;
  return out;
}

} // namespace stentor::net
