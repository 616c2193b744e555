// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648) in its two alphabets, strict: every byte string has exactly one text that decodes to it.
// Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

enum class base64_alphabet : uint8_t {
  standard, ///< section 4: `+/`, padded with '=' to groups of four; binary in JSON, HTTP headers
  url,      ///< section 5: `-_`, without padding; tokens
};

void append_base64(std::string &out, std::string_view bytes,
                   base64_alphabet alphabet = base64_alphabet::standard);

std::string base64_encoded(std::string_view bytes, base64_alphabet alphabet);

/// Nothing for another alphabet, white space, padding that is missing or too much, a length no text has, and
/// left-over bits that are not 0.
std::optional<std::string> base64_decoded(std::string_view text,
                                          base64_alphabet alphabet = base64_alphabet::standard);

} // namespace stentor::net
