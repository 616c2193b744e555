// SPDX-License-Identifier: Apache-2.0
// Reads HTTP/1.1 request heads with Beast's parser, for the API's listener and the devices' alike. It is
// stricter than Beast if two readers of one request could disagree about its end or its meaning (RFC 9112
// section 11.2). Pure function, any thread. Beast is included by the source file only; bodies are framed by
// `http_conversation` and `chunk_decoder`.
#pragma once

#include "net/http/http_message.hpp"

#include <string_view>

namespace stentor::net {

/// More fields than any honest client sends; bounds the memory a head costs beside its bytes.
inline constexpr size_t max_http_fields = 100;
/// Offsets in a head are 16 bit.
inline constexpr size_t max_http_head_bytes = 65535;

/// Reads one whole head; `bytes` ends with its empty line, at most `max_http_head_bytes`. Null where it is
/// good, else a static problem.
[[nodiscard]] const http_problem *parse_http_head(std::string_view bytes, http_head &head);

} // namespace stentor::net
