// SPDX-License-Identifier: Apache-2.0
// Base64 with the URL alphabet and without padding (RFC 4648 section 5), as tokens use it. Pure, any thread.
// Strict: every byte string has exactly one encoding that is accepted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

std::string base64url_encode(std::string_view bytes);

/// Nothing for padding, white space, the `+/` alphabet, a length no encoding has, and left-over bits that are
/// not 0.
std::optional<std::string> base64url_decode(std::string_view text);

} // namespace stentor::net
