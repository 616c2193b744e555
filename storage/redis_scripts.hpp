// SPDX-License-Identifier: Apache-2.0
// The Lua that Redis runs for the directory (docs/directory.md): each script is atomic, touches one hash
// slot, and fences itself by the store's own clock. Texts only.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace stentor::storage {

enum class redis_script : size_t {
  bind,
  restore,
  unbind,
  index_add,
  index_raise,
  index_drop,
  index_repair,
  sweep,
  renew,
  bury,
  swept,
  notify
};

/// By `redis_script`.
extern const std::array<std::string_view, 12> redis_scripts;

} // namespace stentor::storage
