// SPDX-License-Identifier: Apache-2.0
// What the two value readers (JSON, MessagePack) have in common: kinds, numbers, and how a reading failed.
// Both offer the same member functions, so that one template reads a frame in either format. Pure values.
#pragma once

#include "cluster/errc.hpp"

#include <cstdint>

namespace stentor::net {

enum class value_kind : uint8_t {
  map,
  array,
  string,
  number,
  boolean,
  null,
  binary,    ///< MessagePack only
  extension, ///< MessagePack only
  none,      ///< no value starts here
};

/// A number with its exact value.
struct number {
  enum class kind : uint8_t {
    natural,  ///< `u`
    negative, ///< `i`, below 0
    real,     ///< `d`; -0 is one
    beyond,   ///< JSON only: an integer outside int64/uint64, or a decimal outside double
  };
  kind type = kind::natural;
  uint64_t u = 0;
  int64_t i = 0;
  double d = 0;
};

/// Why and where a reader stopped. A failed reader stays failed.
struct read_failure {
  errc code = errc::none;
  const char *text = ""; ///< a static sentence
  size_t offset = 0;
  explicit operator bool() const noexcept { return code != errc::none; }
};

} // namespace stentor::net
