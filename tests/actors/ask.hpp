// SPDX-License-Identifier: Apache-2.0
// Requests of a test's own thread to actors that the test drives: the answer must be there when it is looked
// at, so that a missing one fails the test instead of blocking it.
#pragma once

#include "cluster/errc.hpp"

#include <caf/all.hpp>

namespace stentor::actors::test {

/// The answer to a request of `self`, which must be the next message in its mailbox; `errc::timed_out` where
/// none is.
template <class T, class Handle>
caf::expected<T> answer_of(caf::scoped_actor &self, Handle &question) {
  caf::expected<T> result{make_error(errc::timed_out)};
  if (self->mailbox().empty())
    return result;
  question.receive([&](const T &x) { result = x; }, [&](const caf::error &x) { result = x; });
  return result;
}

} // namespace stentor::actors::test
