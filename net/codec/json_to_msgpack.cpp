// SPDX-License-Identifier: Apache-2.0
// JSON payloads to MessagePack. Recursive, but never deeper than `max_depth`.
#include "net/codec/transcode.hpp"

#include "net/codec/base64.hpp"
#include "net/codec/json_reader.hpp"
#include "net/codec/msgpack_writer.hpp"
#include "net/codec/protocol.hpp"

namespace stentor::net {

namespace {

class to_msgpack {
public:
  to_msgpack(std::string_view value, std::string &out) : r_{value, scratch_}, out_{out} {}

  caf::error run() {
    if (value(0) && r_.finish())
      return caf::none;
    if (r_.failure())
      return make_error(r_.failure().code, r_.failure().text);
    return error_;
  }

private:
  bool value(size_t depth) {
    switch (r_.peek()) {
    case value_kind::map:
      return depth < max_depth ? object(depth + 1) : fail(errc::too_deep, too_deep_text);
    case value_kind::array:
      return depth < max_depth ? array(depth + 1) : fail(errc::too_deep, too_deep_text);
    case value_kind::string: {
      std::string_view text;
      if (!r_.read(text))
        return false;
      msgpack_writer{out_}.text(text);
      return true;
    }
    case value_kind::number:
      return numeral();
    case value_kind::boolean: {
      auto x = false;
      if (!r_.read(x))
        return false;
      msgpack_writer{out_}.boolean(x);
      return true;
    }
    case value_kind::null:
      if (!r_.read_null())
        return false;
      msgpack_writer{out_}.nil();
      return true;
    case value_kind::binary:
    case value_kind::extension:
    case value_kind::none:
      break;
    }
    return fail(errc::malformed, "this is not a value");
  }

  bool numeral() {
    number x;
    if (!r_.read(x))
      return false;
    switch (x.type) {
    case number::kind::natural:
      msgpack_writer{out_}.integer(x.u);
      return true;
    case number::kind::negative:
      msgpack_writer{out_}.negative(x.i);
      return true;
    case number::kind::real:
      msgpack_writer{out_}.real(x.d);
      return true;
    case number::kind::beyond:
      break;
    }
    return fail(errc::not_representable,
                "the payload is not representable in MessagePack: a number is too large");
  }

  bool array(size_t depth) {
    auto start = out_.size();
    json_reader::array elements;
    size_t count = 0;
    if (!r_.enter(elements))
      return false;
    for (; r_.next(elements); ++count)
      if (!value(depth))
        return false;
    if (r_.failure())
      return false;
    prefix(start, [count](msgpack_writer &&head) { head.begin_array(count); });
    return true;
  }

  bool object(size_t depth) {
    auto start = out_.size();
    json_reader::map members;
    std::string_view key;
    if (!r_.enter(members))
      return false;
    size_t count = 0;
    if (r_.next(members, key)) {
      count = 1;
      if (is_mark(key) && r_.peek() == value_kind::string) {
        std::string_view text;
        std::string_view next_key;
        if (!r_.read(text))
          return false;
        if (!r_.next(members, next_key))
          return !r_.failure() && marked(key, text);
        msgpack_writer{out_}.text(key);
        msgpack_writer{out_}.text(text);
        key = next_key;
        count = 2;
      }
      do {
        msgpack_writer{out_}.text(key);
        if (!value(depth))
          return false;
      } while (r_.next(members, key) && ++count);
    }
    if (r_.failure())
      return false;
    prefix(start, [count](msgpack_writer &&head) { head.begin_map(count); });
    return true;
  }

  /// An object whose only member is a mark with a string.
  bool marked(std::string_view key, std::string_view text) {
    if (key != "$bin") {
      msgpack_writer w{out_};
      w.begin_map(1);
      w.text(key.substr(1));
      w.text(text);
      return true;
    }
    auto bytes = base64_decoded(text);
    if (!bytes)
      return fail(errc::not_representable,
                  "the payload is not representable in MessagePack: $bin is not base64");
    msgpack_writer{out_}.binary(*bytes);
    return true;
  }

  /// Puts a head before what was written since `start`: JSON tells the number of elements only at the end.
  /// A byte moves once a level, so at most 32 times.
  template <class Write>
  void prefix(size_t start, Write write) {
    std::string head;
    write(msgpack_writer{head});
    out_.insert(start, head);
  }

  bool fail(errc code, const char *text) {
    error_ = make_error(code, text);
    return false;
  }

  std::string scratch_;
  json_reader r_;
  std::string &out_;
  caf::error error_;
};

} // namespace

caf::error json_to_msgpack(std::string_view value, std::string &out) {
  return to_msgpack{value, out}.run();
}

} // namespace stentor::net
