// SPDX-License-Identifier: Apache-2.0
// MessagePack payloads to JSON. Recursive, but never deeper than `max_depth`.
#include "net/codec/transcode.hpp"

#include "net/codec/base64.hpp"
#include "net/codec/json_writer.hpp"
#include "net/codec/msgpack_reader.hpp"
#include "net/codec/protocol.hpp"

#include <simdjson.h>

#include <charconv>
#include <cmath>

namespace stentor::net {

namespace {

class to_json {
public:
  to_json(std::string_view value, std::string &out) : r_{value}, out_{out} {}

  caf::error run() {
    if (value(0) && r_.finish())
      return caf::none;
    if (r_.failure())
      return make_error(r_.failure().code, r_.failure().text);
    return error_;
  }

private:
  bool value(size_t depth) {
    std::string_view body;
    switch (r_.peek()) {
    case value_kind::map:
      return depth < max_depth ? map(depth + 1) : fail(errc::too_deep, too_deep_text);
    case value_kind::array:
      return depth < max_depth ? array(depth + 1) : fail(errc::too_deep, too_deep_text);
    case value_kind::string:
      return r_.read(body) && string(body);
    case value_kind::number:
      return numeral();
    case value_kind::boolean: {
      auto x = false;
      r_.read(x);
      out_ += x ? "true" : "false";
      return true;
    }
    case value_kind::null:
      r_.read_null();
      out_ += "null";
      return true;
    case value_kind::binary:
      // Its image is a map, which must not be one level too many for the way back.
      if (depth == max_depth)
        return fail(errc::not_representable, "the payload is not representable in JSON: a bin at level 32");
      if (!r_.read_binary(body))
        return false;
      out_ += R"({"$bin":")";
      append_base64(out_, body);
      out_ += R"("})";
      return true;
    case value_kind::extension:
      // A cut extension is malformed, not merely without an image.
      return r_.skip(body) &&
             fail(errc::not_representable, "the payload is not representable in JSON: an ext");
    case value_kind::none:
      break;
    }
    return r_.skip(body);
  }

  bool numeral() {
    number x;
    if (!r_.read(x))
      return false;
    char digits[24];
    auto end = digits;
    switch (x.type) {
    case number::kind::natural:
      end = std::to_chars(digits, digits + sizeof digits, x.u).ptr;
      break;
    case number::kind::negative:
      end = std::to_chars(digits, digits + sizeof digits, x.i).ptr;
      break;
    case number::kind::real:
      if (!std::isfinite(x.d))
        return fail(errc::not_representable, "the payload is not representable in JSON: NaN or an infinity");
      append_json_real(out_, x.d);
      return true;
    case number::kind::beyond:
      break;
    }
    out_.append(digits, end);
    return true;
  }

  bool array(size_t depth) {
    msgpack_reader::array elements;
    if (!r_.enter(elements))
      return false;
    out_ += '[';
    for (auto separator = ""; r_.next(elements); separator = ",") {
      out_ += separator;
      if (!value(depth))
        return false;
    }
    out_ += ']';
    return !r_.failure();
  }

  bool map(size_t depth) {
    msgpack_reader::map members;
    std::string_view key;
    if (!r_.enter(members))
      return false;
    auto is_alone = members.left == 1;
    out_ += '{';
    for (auto separator = ""; members.left > 0; separator = ",") {
      if (auto kind = r_.peek(); kind != value_kind::string && kind != value_kind::none)
        return fail(errc::not_representable,
                    "the payload is not representable in JSON: a key is not a string");
      if (!r_.next(members, key))
        return false;
      out_ += separator;
      if (is_alone && is_mark(key) && r_.peek() == value_kind::string)
        key = escaped_mark(key);
      if (!string(key))
        return false;
      out_ += ':';
      if (!value(depth))
        return false;
    }
    out_ += '}';
    return true;
  }

  std::string_view escaped_mark(std::string_view key) {
    mark_ = "$";
    mark_ += key;
    return mark_;
  }

  bool string(std::string_view text) {
    if (!simdjson::validate_utf8(text.data(), text.size()))
      return fail(errc::not_representable, "the payload is not representable in JSON: a string is not UTF-8");
    append_json_string(out_, text);
    return true;
  }

  bool fail(errc code, const char *text) {
    error_ = make_error(code, text);
    return false;
  }

  msgpack_reader r_;
  std::string &out_;
  std::string mark_;
  caf::error error_;
};

} // namespace

caf::error msgpack_to_json(std::string_view value, std::string &out) {
  return to_json{value, out}.run();
}

} // namespace stentor::net
