// SPDX-License-Identifier: Apache-2.0
// Reads one line of a batch by the rules of a `send` frame: the same members, without `t` and `id`.
#include "net/codec/json_reader.hpp"
#include "net/http/push_api.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

class line_decoder {
public:
  line_decoder(std::string_view line, std::string &scratch, push_line &out, std::string &why) noexcept
      : r_{{line.data(), line.size()}, scratch}, out_{out}, why_{why} {}

  bool run() {
    json_reader::map members;
    std::string_view key;
    if (r_.enter(members))
      while (r_.next(members, key))
        member(key);
    if (!r_.finish()) {
      const auto &failure = r_.failure();
      why_ = std::string{failure.text} + ", at byte " + std::to_string(failure.offset);
      out_.ref = {};
      return false;
    }
    if ((seen_ & f_to) == 0)
      refuse("`to` is missing");
    if ((seen_ & f_data) == 0)
      refuse("`data` is missing");
    return !refused_;
  }

private:
  enum field : uint32_t {
    f_to = 1,
    f_data = 2,
    f_want = 4,
    f_timeout = 8,
    f_ttl = 16,
    f_key = 32,
    f_ref = 64
  };

  void member(std::string_view key) {
    std::string_view text;
    if (key == "to") {
      if (string(f_to, "to", text)) {
        if (!is_valid_id(text))
          return refuse("`to` is not an id: 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -");
        out_.to = text;
      }
    } else if (key == "data") {
      auto is_first = claim(f_data, "data");
      if (r_.skip(text) && is_first)
        out_.data = text;
    } else if (key == "want") {
      if (string(f_want, "want", text)) {
        auto w = want_from(text);
        if (!w)
          return refuse("`want` is not one of written, acked, errors, none");
        out_.options.wants = *w;
      }
    } else if (key == "timeout_ms") {
      milliseconds(f_timeout, "timeout_ms", out_.options.timeout_ms);
    } else if (key == "ttl_ms") {
      milliseconds(f_ttl, "ttl_ms", out_.options.ttl_ms);
    } else if (key == "key") {
      if (string(f_key, "key", text)) {
        if (!is_push_key(text))
          return refuse("`key` is not 1 to 128 printable ASCII characters");
        out_.options.key = text;
      }
    } else if (key == "ref") {
      if (string(f_ref, "ref", text)) {
        if (text.empty() || text.size() > max_client_id_bytes)
          return refuse("`ref` is not 1 to 64 bytes");
        out_.ref = text;
      }
    } else {
      r_.skip(text);
    }
  }

  void milliseconds(field f, const char *name, std::optional<uint32_t> &to) {
    std::string_view unused;
    number x;
    if (!claim(f, name) || r_.peek() != value_kind::number) {
      refuse(std::string{"`"} + name + "` is not a number");
      r_.skip(unused);
      return;
    }
    if (!r_.read(x))
      return;
    if (x.type != number::kind::natural || x.u >= uint64_t{1} << 31)
      return refuse(std::string{"`"} + name + "` is not an integer from 0 to 2147483647");
    to = static_cast<uint32_t>(x.u);
  }

  /// A member may stand once: two parsers that take different ones of two would disagree about a line.
  bool claim(field f, const char *name) {
    if ((seen_ & f) == 0) {
      seen_ |= f;
      return true;
    }
    refuse(std::string{"`"} + name + "` appears twice");
    return false;
  }

  bool string(field f, const char *name, std::string_view &value) {
    if (claim(f, name) && r_.peek() == value_kind::string)
      return r_.read(value);
    refuse(std::string{"`"} + name + "` is not a string");
    r_.skip(value);
    return false;
  }

  /// Keeps the first reason and reads on: `ref` may come later.
  void refuse(std::string why) {
    if (!refused_)
      why_ = std::move(why);
    refused_ = true;
  }

  json_reader r_;
  push_line &out_;
  std::string &why_;
  uint32_t seen_ = 0;
  bool refused_ = false;
};

} // namespace

bool push_line_reader::read(std::string_view line, push_line &out, std::string &why) {
  out = {};
  return line_decoder{line, scratch_, out, why}.run();
}

} // namespace stentor::net
