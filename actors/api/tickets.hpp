// SPDX-License-Identifier: Apache-2.0
// Open questions of one loop by number: what an answer needs when it comes. A ticket that was answered or
// never given out finds nothing. Loop-confined.
#pragma once

#include "actors/core/generation_table.hpp"

namespace stentor::actors {

template <class T>
class ticket_table {
public:
  /// Keeps `what` and gives its number, never 0.
  uint64_t open(T what) { return number_of(questions_.add(std::move(what))); }
  /// Takes what was kept under `ticket`; nothing if it was taken before.
  std::optional<T> take(uint64_t ticket) { return questions_.take(key_of(ticket)); }
  size_t size() const noexcept { return questions_.size(); }

private:
  generation_table<T> questions_;
};

} // namespace stentor::actors
