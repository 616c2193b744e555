// SPDX-License-Identifier: Apache-2.0
#include "net/cork.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

// A cork that is never quite empty must forget what was sent; moving at least as many bytes out as stay, and
// never for less than this, keeps the cost of it below one copy a byte.
constexpr size_t least_compacted = 16 * 1024;

} // namespace

void cork_block::clear() noexcept {
  bytes.clear();
  ends.clear();
  taken = done = marks = 0;
  last_errno = 0;
}

std::unique_ptr<cork_block> cork::release() noexcept {
  if (block_)
    block_->clear();
  return std::move(block_);
}

void cork::append(std::string_view head, std::string_view body, bool waited_for) {
  if (!block_)
    block_ = std::make_unique<cork_block>();
  if (block_->taken >= least_compacted && block_->taken >= size())
    compact();
  auto &bytes = block_->bytes;
  bytes.append(head);
  bytes.append(body);
  block_->ends.push_back({bytes.size(), waited_for});
  block_->marks += waited_for;
}

void cork::compact() {
  auto &b = *block_;
  if (b.done == 0)
    return; // one frame under way, larger than what was sent of it: its memory is its own size
  // Only whole frames leave, so that the buffer begins where a frame begins: `drop_unstarted` needs that.
  auto gone = static_cast<size_t>(b.ends[b.done - 1].position);
  b.bytes.erase(0, gone);
  b.ends.erase(b.ends.begin(), b.ends.begin() + static_cast<ptrdiff_t>(b.done));
  for (auto &end : b.ends)
    end.position -= gone;
  b.taken -= gone;
  b.done = 0;
}

cork::progress cork::advance(size_t taken, size_t &completed) noexcept {
  if (!block_)
    return progress::empty;
  auto &b = *block_;
  b.taken += taken;
  if (b.taken == b.bytes.size()) { // nearly always: the kernel took all at once
    completed += b.marks;
    b.clear();
    return progress::empty;
  }
  while (b.done < b.ends.size() && b.ends[b.done].position <= b.taken) {
    completed += b.ends[b.done].waited_for;
    b.marks -= b.ends[b.done].waited_for;
    ++b.done;
  }
  return progress::blocked;
}

size_t cork::drop_unstarted() {
  if (!block_)
    return 0;
  auto &b = *block_;
  auto end_of = [&](size_t i) { return static_cast<size_t>(b.ends[i].position); };
  auto next = b.done;
  if (b.taken > (next == 0 ? 0 : end_of(next - 1)))
    ++next; // under way
  // What nobody waits for moves down over what goes.
  auto kept = next;
  auto place = next == 0 ? 0 : end_of(next - 1);
  auto begin = place;
  size_t dropped = 0;
  for (; next < b.ends.size(); ++next) {
    auto end = end_of(next);
    if (b.ends[next].waited_for) {
      ++dropped;
    } else {
      std::copy(b.bytes.begin() + static_cast<ptrdiff_t>(begin),
                b.bytes.begin() + static_cast<ptrdiff_t>(end),
                b.bytes.begin() + static_cast<ptrdiff_t>(place));
      place += end - begin;
      b.ends[kept++] = {place, false};
    }
    begin = end;
  }
  b.bytes.resize(place);
  b.ends.resize(kept);
  b.marks -= dropped;
  if (b.taken == b.bytes.size())
    b.clear();
  return dropped;
}

} // namespace stentor::net
