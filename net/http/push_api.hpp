// SPDX-License-Identifier: Apache-2.0
// The texts of the back-end API: the options of a push in a query string, one line of an NDJSON batch, and
// verdicts as JSON. docs/protocol.md#http is the normative text. Pure; a `push_line_reader` belongs to one
// loop.
#pragma once

#include "cluster/envelope.hpp"
#include "net/codec/protocol.hpp"
#include "net/http/http_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

/// How a message should be sent. `key` is a view into the input.
struct push_options {
  want wants = want::written;
  std::optional<uint32_t> timeout_ms;
  std::optional<uint32_t> ttl_ms;
  std::string_view key; ///< empty for none, else 1 to `max_key_bytes` printable ASCII characters
};

/// Reads `want`, `timeout_ms` and `ttl_ms`; the first of each name counts, other names are ignored. Null if
/// they are good.
[[nodiscard]] const http_problem *read_push_query(std::string_view query, push_options &out);

/// Whether `key` may be an idempotency key.
bool is_push_key(std::string_view key) noexcept;

/// One line of a batch. Views point into the line or the reader, valid until its next call.
struct push_line {
  std::string_view to;
  std::string_view data; ///< one encoded JSON value, verbatim, at most `max_depth` deep
  std::string_view ref;  ///< the sender's own name for the line, empty for none, repeated in its answer
  push_options options;
};

class push_line_reader {
public:
  /// Reads one line. Unknown members are ignored; a member of a wrong type, twice or missing, or a bad id
  /// refuses the line: then `why` has one sentence, and `out.ref` is the line's where it could be read.
  bool read(std::string_view line, push_line &out, std::string &why);

private:
  std::string scratch_;
};

/// The members of a verdict after whatever names its message: `"id":...,"verdict":...,"at"?,"via"?,"first"?,
/// "detail"?,"us":{...}}` with the closing brace. `out` ends with '{' or a member.
void append_outcome(std::string &out, const message_id &id, const outcome &result, uint32_t total_us);

/// The HTTP status of a direct push that ended in `result`: as `http_status`, but 409 while the first message
/// under the key is in progress, and 422 for another body under it.
int push_status(const outcome &result) noexcept;

} // namespace stentor::net
