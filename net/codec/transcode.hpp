// SPDX-License-Identifier: Apache-2.0
// The two directions behind `transcode` (net/codec/protocol.hpp). Each reads its input once and appends to
// `out`; members keep their order and their duplicates, since no document is built. docs/protocol.md#payloads
// is the table. Pure.
#pragma once

#include <caf/error.hpp>

#include <string>
#include <string_view>

namespace stentor::net {

caf::error json_to_msgpack(std::string_view value, std::string &out);
caf::error msgpack_to_json(std::string_view value, std::string &out);

/// Whether `key`, alone in a map and with a string as its value, is `$bin` with any number of further `$` in
/// front.
bool is_mark(std::string_view key) noexcept;

inline constexpr const char *too_deep_text = "this nests deeper than 32 levels";

} // namespace stentor::net
