// SPDX-License-Identifier: Apache-2.0
// The ways in which the directory and the sessions of a node may disagree about who holds a device. One
// vocabulary for the auditor, its metrics and its log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stentor {

enum class disagreement : uint8_t {
  orphan,    ///< a record names a session that does not hold the device
  missing,   ///< a session holds the device, and no record or only an older one stands
  elsewhere, ///< a session holds the device, and a newer record names another
};
inline constexpr size_t disagreement_count = 3;

constexpr std::string_view to_string(disagreement x) noexcept {
  switch (x) {
  case disagreement::orphan:
    return "orphan";
  case disagreement::missing:
    return "missing";
  case disagreement::elsewhere:
    return "elsewhere";
  }
  return "orphan";
}

} // namespace stentor
