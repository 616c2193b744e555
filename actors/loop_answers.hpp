// SPDX-License-Identifier: Apache-2.0
// What a loop tells operators and auditors of its sessions, at a bounded cost. On the loop.
#pragma once

#include "actors/core/types.hpp"

#include <optional>

namespace stentor::actors {

class loop;

/// The answer to a question for the loop's inbox; nothing where it is no such question.
///   (ask, device)                -> every session of that device, in its own words
///   (count)                      -> loop_info
///   (sample, from, most)         -> some sessions that hold their device; looks at `most` (1 to 1,024)
///   places (held, records)              -> a word a record of this loop (mend, records)              -> how
///   many; puts their sessions back into the directory, or ends them
std::optional<caf::message> answer_of(loop &host, caf::type_erased_tuple &question);

} // namespace stentor::actors
