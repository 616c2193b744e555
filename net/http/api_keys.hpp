// SPDX-License-Identifier: Apache-2.0
// The back ends' bearer keys. Immutable once built, any thread. Compares in a time that depends on the
// lengths only, so that a key cannot be guessed byte by byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

class api_keys {
public:
  explicit api_keys(std::vector<std::string> keys) : keys_{std::move(keys)} {}

  /// Whether an `Authorization` header's value is `Bearer` and one of the keys.
  bool accepts(std::string_view authorization) const noexcept;
  bool empty() const noexcept { return keys_.empty(); }

private:
  std::vector<std::string> keys_;
};

} // namespace stentor::net
