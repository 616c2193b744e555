// SPDX-License-Identifier: Apache-2.0
#include "cluster/ids.hpp"

#include <array>

namespace stentor {

namespace {

constexpr std::array<bool, 256> make_alphabet() {
  std::array<bool, 256> ok{};
  for (char c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-"})
    ok[static_cast<unsigned char>(c)] = true;
  return ok;
}

constexpr auto alphabet = make_alphabet();

} // namespace

bool is_valid_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_id_bytes)
    return false;
  for (char c : text)
    if (!alphabet[static_cast<unsigned char>(c)])
      return false;
  return true;
}

} // namespace stentor
