// SPDX-License-Identifier: Apache-2.0
#include "cluster/errc.hpp"

namespace stentor {

const char *describe(errc code) {
  switch (code) {
  case errc::none:
    return "no error";
  case errc::invalid_id:
    return "an id is 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -";
  case errc::malformed:
    return "the input does not parse";
  case errc::too_deep:
    return "the input nests deeper than 32 levels";
  case errc::too_large:
    return "the input is larger than the limit";
  case errc::not_representable:
    return "the payload is not representable in the device's format";
  case errc::token_refused:
    return "the token was refused";
  case errc::fenced:
    return "this node's lease has ended";
  case errc::superseded:
    return "a newer connection holds the device";
  case errc::not_found:
    return "there is no such record";
  case errc::overloaded:
    return "a queue is full, try again later";
  case errc::timed_out:
    return "no answer in time, the outcome is unknown";
  case errc::unavailable:
    return "the directory is unreachable";
  case errc::io:
    return "a system call failed";
  case errc::config:
    return "a setting is wrong";
  case errc::lease_held:
    return "the node's lease has not ended yet";
  case errc::stale:
    return "the record is newer than the request";
  }
  return "unknown error";
}

std::string to_string(errc code) {
  return describe(code);
}

caf::error make_error(errc code) {
  return caf::error{static_cast<uint8_t>(code), caf::atom("stentor")};
}

caf::error make_error(errc code, std::string text) {
  return caf::error{static_cast<uint8_t>(code), caf::atom("stentor"), caf::make_message(std::move(text))};
}

std::string render(const caf::error &err) {
  if (!err)
    return "no error";
  if (err.category() != caf::atom("stentor"))
    return "CAF error " + std::to_string(err.code());
  if (err.context().match_elements<std::string>())
    return err.context().get_as<std::string>(0);
  return describe(static_cast<errc>(err.code()));
}

} // namespace stentor
