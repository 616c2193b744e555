// SPDX-License-Identifier: Apache-2.0
// What a loop tells operators, auditors and other loops of its sessions, at a bounded cost. On the loop.
#pragma once

#include "actors/core/types.hpp"

#include <optional>

namespace stentor::actors {

class loop;

/// The answer to a question for the loop's inbox, as `loop_inbox_actor` lists them (core/interfaces.hpp):
/// sessions, finish, count, sample, held and repair. Nothing if it is another question.
std::optional<caf::message> answer_of(loop &host, caf::type_erased_tuple &question);

} // namespace stentor::actors
