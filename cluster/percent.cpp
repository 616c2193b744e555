// SPDX-License-Identifier: Apache-2.0
#include "cluster/percent.hpp"

namespace stentor {

bool percent_decode(std::string_view text, std::string &out) {
  for (;;) {
    auto plain = text.substr(0, text.find('%'));
    out += plain;
    text.remove_prefix(plain.size());
    if (text.empty())
      return true;
    auto high = text.size() >= 3 ? hex_digit(text[1]) : -1;
    auto low = text.size() >= 3 ? hex_digit(text[2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0))
      return false;
    out += static_cast<char>(high * 16 + low);
    text.remove_prefix(3);
  }
}

} // namespace stentor
