// SPDX-License-Identifier: Apache-2.0
// Reads one client frame through either reader: one template, so that both formats have the same rules.
// Included by codec.cpp only.
#pragma once

#include "net/codec/protocol.hpp"
#include "net/codec/value_kind.hpp"

#include <algorithm>

namespace stentor::net {

inline constexpr const char *id_rule = "` is not an id: 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -";

inline bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// A client's text as it may stand in an answer and a log: short and plain.
inline std::string quoted(std::string_view text) {
  constexpr size_t most = 32;
  std::string out{text.substr(0, most)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e || c == '"' || c == '\\'; }, '?');
  return text.size() > most ? out + "..." : out;
}

template <class Reader>
class client_frame_decoder {
public:
  client_frame_decoder(Reader &reader, client_frame &out, frame_refusal &why) noexcept
      : r_{reader}, out_{out}, why_{why} {}

  bool run() {
    typename Reader::map members;
    std::string_view key;
    if (r_.enter(members))
      while (r_.next(members, key))
        member(key);
    if (!r_.finish())
      return refuse_unparsable();
    require();
    if (!refused_)
      return true;
    why_.has_id = (seen_ & f_id) != 0 && !out_.id.empty();
    if (why_.has_id)
      why_.id = out_.id;
    return false;
  }

private:
  enum field : uint32_t {
    f_t = 1,
    f_id = 2,
    f_to = 4,
    f_data = 8,
    f_ttl = 16,
    f_want = 32,
    f_timeout = 64,
    f_key = 128,
    f_token = 256,
    f_resume = 512,
    f_to_account = 1024,
    f_except_me = 2048,
  };

  void member(std::string_view key) {
    switch (key.size()) {
    case 1:
      if (key == "t")
        return type();
      break;
    case 2:
      if (key == "id")
        return text(f_id, "id", out_.id, max_client_id_bytes);
      if (key == "to")
        return target();
      break;
    case 3:
      if (key == "key")
        return text(f_key, "key", out_.key, max_key_bytes);
      break;
    case 4:
      if (key == "data")
        return data();
      if (key == "want")
        return wants();
      break;
    case 5:
      if (key == "token")
        return text(f_token, "token", out_.token, max_token_bytes);
      break;
    case 6:
      if (key == "ttl_ms")
        return milliseconds(f_ttl, "ttl_ms", out_.ttl_ms);
      if (key == "resume")
        return text(f_resume, "resume", out_.resume, max_resume_bytes);
      break;
    case 10:
      if (key == "timeout_ms")
        return milliseconds(f_timeout, "timeout_ms", out_.timeout_ms);
      break;
    default:
      break;
    }
    ignore();
  }

  // -- fields: each reads exactly one value ----

  void type() {
    std::string_view name;
    if (!string(f_t, "t", name))
      return;
    using kind = client_frame::kind;
    if (name == "send")
      out_.type = kind::send;
    else if (name == "ack")
      out_.type = kind::ack;
    else if (name == "devices")
      out_.type = kind::devices;
    else if (name == "watch")
      out_.type = kind::watch;
    else if (name == "unwatch")
      out_.type = kind::unwatch;
    else if (name == "auth")
      out_.type = kind::auth;
    else
      refuse(errc::malformed, "unknown frame `" + quoted(name) + "`");
  }

  void text(field f, const char *name, std::string_view &to, size_t most) {
    std::string_view value;
    if (!string(f, name, value))
      return;
    if (value.empty() || value.size() > most || !is_printable(value))
      return refuse(errc::malformed, std::string{"`"} + name + "` is not 1 to " + std::to_string(most) +
                                         " printable ASCII characters");
    to = value;
  }

  void data() {
    auto is_first = claim(f_data, "data");
    std::string_view raw;
    if (r_.skip(raw) && is_first)
      out_.data = raw;
  }

  void wants() {
    std::string_view name;
    if (!string(f_want, "want", name))
      return;
    if (auto w = want_from(name))
      out_.wants = *w;
    else
      refuse(errc::malformed, "`want` is not one of written, acked, errors, none");
  }

  void milliseconds(field f, const char *name, std::optional<uint32_t> &to) {
    if (!claim(f, name))
      return ignore();
    number x;
    if (r_.peek() != value_kind::number) {
      refuse_type(name, "a number");
      return ignore();
    }
    if (!r_.read(x))
      return;
    if (x.type != number::kind::natural || x.u >= uint64_t{1} << 31)
      return refuse(errc::malformed, std::string{"`"} + name + "` is not an integer from 0 to 2147483647");
    to = static_cast<uint32_t>(x.u);
  }

  void target() {
    if (r_.peek() != value_kind::map)
      return id(f_to, "to", out_.to_device);
    if (!claim(f_to, "to"))
      return ignore();
    typename Reader::map members;
    std::string_view key;
    if (!r_.enter(members))
      return;
    while (r_.next(members, key)) {
      if (key == "account")
        id(f_to_account, "account", out_.to_account);
      else if (key == "except_me")
        except_me();
      else
        ignore();
    }
    if ((seen_ & f_to_account) == 0)
      refuse(errc::malformed, "`to` names no `account`");
  }

  void except_me() {
    if (!claim(f_except_me, "except_me"))
      return ignore();
    if (r_.peek() == value_kind::boolean) {
      r_.read(out_.except_me);
      return;
    }
    refuse_type("except_me", "a boolean");
    ignore();
  }

  void id(field f, const char *name, std::string_view &to) {
    std::string_view value;
    if (!string(f, name, value))
      return;
    if (!is_valid_id(value))
      return refuse(errc::invalid_id, std::string{"`"} + name + id_rule);
    to = value;
  }

  // -- steps ----

  /// A field may stand once: two parsers that take different ones of two would disagree about a frame.
  bool claim(field f, const char *name) {
    if ((seen_ & f) == 0) {
      seen_ |= f;
      return true;
    }
    refuse(errc::malformed, std::string{"`"} + name + "` appears twice");
    return false;
  }

  bool string(field f, const char *name, std::string_view &value) {
    if (!claim(f, name)) {
      ignore();
      return false;
    }
    if (r_.peek() != value_kind::string) {
      refuse_type(name, "a string");
      ignore();
      return false;
    }
    return r_.read(value);
  }

  void ignore() {
    std::string_view unused;
    r_.skip(unused);
  }

  void require() {
    auto missing = [this](field f, const char *name) {
      if ((seen_ & f) == 0)
        refuse(errc::malformed, std::string{"`"} + name + "` is missing");
    };
    missing(f_t, "t");
    switch (out_.type) {
    case client_frame::kind::send:
      missing(f_to, "to");
      missing(f_data, "data");
      if (out_.wants != want::none)
        missing(f_id, "id");
      break;
    case client_frame::kind::ack:
      missing(f_id, "id");
      break;
    case client_frame::kind::auth:
      missing(f_token, "token");
      break;
    case client_frame::kind::devices:
    case client_frame::kind::watch:
    case client_frame::kind::unwatch:
      break;
    }
  }

  /// Keeps the first reason and reads on: the frame's `id` may come later.
  void refuse(errc code, std::string message) {
    if (refused_)
      return;
    refused_ = true;
    why_.code = code;
    why_.message = std::move(message);
  }
  void refuse_type(const char *name, const char *type) {
    refuse(errc::malformed, std::string{"`"} + name + "` is not " + type);
  }

  bool refuse_unparsable() {
    const auto &failure = r_.failure();
    why_.code = failure.code;
    why_.message = std::string{failure.text} + ", at byte " + std::to_string(failure.offset);
    why_.unparsable = true;
    return false;
  }

  Reader &r_;
  client_frame &out_;
  frame_refusal &why_;
  uint32_t seen_ = 0;
  bool refused_ = false;
};

} // namespace stentor::net
