// SPDX-License-Identifier: Apache-2.0
#include "net/codec/json_writer.hpp"

namespace stentor::net {

void append_json_real(std::string &out, double x) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, x).ptr;
  std::string_view text{digits, static_cast<size_t>(end - digits)};
  out += text;
  // Without one of these it would read back as an integer.
  if (text.find_first_of(".e") == std::string_view::npos)
    out += ".0";
}

} // namespace stentor::net
