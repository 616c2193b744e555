// SPDX-License-Identifier: Apache-2.0
// Base64 with the standard alphabet and padding (RFC 4648 section 4), strict: a text that this would not have
// written does not read. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

void append_base64(std::string &out, std::string_view bytes);

/// Nothing for another alphabet, missing padding, white space or bits after the end.
std::optional<std::string> base64_decoded(std::string_view text);

} // namespace stentor::net
