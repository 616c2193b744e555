// SPDX-License-Identifier: Apache-2.0
// Every refusal that the handlers of the back-end API write: status, code and sentence, as in the table of
// docs/protocol.md#http. Refusals of the connection itself, before a handler sees the request, are in
// net/http/.
#pragma once

#include "net/http/http_text.hpp"

#include <string_view>

namespace stentor::actors::problems {

using net::http_problem;

// -- who asks, and for what ----
inline constexpr http_problem no_key{401, "unauthorized", "an API key is needed as a bearer token"};
inline constexpr http_problem foreign_origin{403, "origin", "this Origin is not allowed to use the API"};
inline constexpr http_problem no_path{404, "not_found", "there is no such path"};
inline constexpr http_problem no_method{405, "method", "this path does not take this method"};
inline constexpr http_problem bad_path{400, "malformed", "the path cannot be decoded"};
inline constexpr http_problem bad_id{400, "invalid_id", "an id is 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -"};

// -- pushes ----
inline constexpr http_problem bad_payload_type{
    415, "media_type", "Content-Type is neither application/json nor application/msgpack"};
inline constexpr http_problem bad_batch_type{415, "media_type", "Content-Type is not application/x-ndjson"};
inline constexpr http_problem bad_key{400, "malformed",
                                      "Idempotency-Key is not 1 to 128 printable ASCII characters"};
inline constexpr http_problem no_body{400, "malformed", "the body is empty, but it is the payload"};
inline constexpr http_problem too_many_lines{413, "too_large", "the batch has more lines than the limit"};
inline constexpr http_problem nobody{404, "offline", "no device of this account is connected"};

// -- the operator's queries ----
inline constexpr http_problem bad_top{400, "malformed", "`top` is not a number from 1 to 1000"};
inline constexpr http_problem bad_slot{400, "malformed", "`slot` is not a number from 0 to 4095"};
inline constexpr http_problem bad_over{400, "malformed",
                                       "`over` is not a time of 0 to 1 h like 30s or 500ms"};
inline constexpr http_problem bad_slots_query{400, "malformed",
                                              "only one of `slot`, `device` and `without` at a time"};

// -- not now: with `retry_soon` ----
inline constexpr std::string_view retry_soon = "Retry-After: 1\r\n";
inline constexpr http_problem no_directory{503, "unavailable", "the directory is unavailable now"};
inline constexpr http_problem no_answer{503, "unavailable", "the node is unavailable now"};

} // namespace stentor::actors::problems
