// SPDX-License-Identifier: Apache-2.0
#include "net/codec/transcode.hpp"

#include "net/codec/protocol.hpp"

namespace stentor::net {

bool is_mark(std::string_view key) noexcept {
  auto dollars = key.find_first_not_of('$');
  return dollars != std::string_view::npos && dollars > 0 && key.substr(dollars) == "bin";
}

caf::expected<std::string> transcode(format from, format to, std::string_view value) {
  std::string out;
  caf::error err;
  if (from == to) {
    codec checker;
    err = checker.check(from, value);
    out = value;
  } else if (from == format::json) {
    err = json_to_msgpack(value, out);
  } else {
    err = msgpack_to_json(value, out);
  }
  if (err)
    return err;
  return out;
}

} // namespace stentor::net
