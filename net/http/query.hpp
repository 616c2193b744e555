// SPDX-License-Identifier: Apache-2.0
// The reader of query strings, for every route of the API and for a device's upgrade: pairs `name=value` with
// '&' in between, percent-encoded as forms are. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

/// What a query says under one name.
struct query_parameter {
  enum class kind : uint8_t {
    absent,
    good,
    broken, ///< there, with escapes that do not decode
  };
  kind what = kind::absent;
  std::string value; ///< decoded; empty unless `good`

  bool is_broken() const noexcept { return what == kind::broken; }
};

/// The first parameter called `name`, wherever it stands; later ones of the name count for nothing. A name
/// without '=' has an empty value. A '+' is a blank.
query_parameter find_parameter(std::string_view query, std::string_view name);

/// The value of the first `name`; nothing if absent or broken.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

} // namespace stentor::net
