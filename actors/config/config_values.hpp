// SPDX-License-Identifier: Apache-2.0
// Texts of settings to values and back: durations, sizes, numbers, origins, files. Pure except `read_text`;
// the range checks are the table's.
#pragma once

#include "actors/config/config.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stentor {

/// `500ms`, `8s`, `30m`, `2h`; a number without unit is refused, it would be read as either.
std::optional<std::chrono::milliseconds> duration_from(std::string_view text);
/// In the largest unit that divides it.
std::string to_text(std::chrono::milliseconds x);

/// `65536`, `64KiB`, `1MiB`, `1GiB`; nothing on overflow.
std::optional<uint64_t> size_from(std::string_view text);
std::string size_text(uint64_t bytes);

std::optional<uint64_t> count_from(std::string_view text);
/// Finite and without exponent, such as `0.5`.
std::optional<double> number_from(std::string_view text);
std::string to_text(double x);

/// `scheme://host` or `scheme://host:port` as a browser sends it: lower case, no path, no final slash.
bool is_origin(std::string_view text);

/// The first name of this host with every character an id may not hold replaced by `-`.
node_id host_node_id();
/// A whole file of at most `most` bytes; `errc::config` with the reason otherwise.
caf::expected<std::string> read_text(const std::string &path, size_t most);

/// `text` as a TOML string.
std::string in_quotes(std::string_view text);

} // namespace stentor
