// SPDX-License-Identifier: Apache-2.0
// Every error Stentor's own code returns, with one sentence each. Pure; used on every thread.
#pragma once

#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <cstdint>
#include <string>

namespace stentor {

/// What went wrong, for `caf::error`. A value is never reused for another meaning.
enum class errc : uint8_t {
  none = 0,
  invalid_id,        ///< an id is empty, longer than 128 bytes or holds a character outside [A-Za-z0-9._:@-]
  malformed,         ///< bytes from outside do not parse as what they claim to be
  too_deep,          ///< nesting deeper than 32
  too_large,         ///< above a stated size limit
  not_representable, ///< a payload has no image in the other format
  token_refused,     ///< a token is missing, expired, not yet valid or not signed by a known key
  fenced,            ///< the caller's lease had ended when the directory saw the write
  superseded,        ///< a newer epoch holds the device
  not_found,         ///< no such record
  overloaded,        ///< a bounded queue is full
  timed_out,         ///< no answer within the stated time; the outcome is unknown
  unavailable,       ///< the directory, a node or a loop cannot be reached
  io,                ///< a system call failed; the message carries errno's text
  config,            ///< a setting is wrong; the message carries where, the value and what is allowed
  lease_held,        ///< a lease that would have to be over is not: wait for its end
  stale,             ///< the record is newer than the request: whoever still wants it asks again
};

/// One sentence for people, without a final full stop.
const char *describe(errc code);

std::string to_string(errc code);

caf::error make_error(errc code);

/// An error with a text of its own that replaces `describe(code)` in logs and answers.
caf::error make_error(errc code, std::string text);

/// The code and text of `err`, for logs: CAF's own renderer knows neither our codes nor our texts.
std::string render(const caf::error &err);

} // namespace stentor

CAF_ERROR_CODE_ENUM(stentor::errc, "stentor")
