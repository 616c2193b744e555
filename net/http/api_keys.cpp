// SPDX-License-Identifier: Apache-2.0
#include "net/http/api_keys.hpp"

#include "net/http/http_text.hpp"

namespace stentor::net {

namespace {

bool equal_in_constant_time(std::string_view given, std::string_view key) noexcept {
  if (key.empty())
    return false;
  // A volatile sum keeps the compiler from leaving the loop at the first difference.
  volatile unsigned difference = given.size() == key.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i)
    difference = difference | static_cast<unsigned char>(given[i] ^ key[i % key.size()]);
  return difference == 0;
}

} // namespace

bool api_keys::accepts(std::string_view authorization) const noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (!equals_lower(authorization.substr(0, scheme.size()), scheme))
    return false;
  auto given = authorization.substr(scheme.size());
  bool found = false;
  for (auto &key : keys_)
    found = equal_in_constant_time(given, key) || found; // every key is looked at
  return found;
}

} // namespace stentor::net
