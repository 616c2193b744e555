// SPDX-License-Identifier: Apache-2.0
// The unsent bytes of one socket in one buffer, with the end of every frame and a mark at each position that
// a caller waits for. Pure: the kernel is a function argument, so that a test can take n bytes and fail, for
// every n. Loop-confined. An idle cork is one null pointer: its block belongs to the loop's pool.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

/// What a cork owns while it holds bytes. Its capacity outlives its use: `event_loop` pools blocks.
struct cork_block {
  /// Where a frame ends in `bytes`, and whether somebody waits for it.
  struct frame_end {
    uint64_t position : 63;
    uint64_t waited_for : 1;
  };

  std::string bytes;           ///< [taken, size) is unsent; begins where a frame begins
  std::vector<frame_end> ends; ///< ascending; the first `done` are wholly taken
  size_t taken = 0;
  size_t done = 0;
  size_t marks = 0; ///< waited-for ends from `done` on
  int last_errno = 0;

  size_t footprint() const noexcept { return bytes.capacity() + ends.capacity() * sizeof(frame_end); }
  void clear() noexcept;
};

class cork {
public:
  /// What one `flush` did.
  enum class progress : uint8_t {
    empty,   ///< everything was taken
    blocked, ///< the kernel is full, bytes remain
    failed,  ///< the socket is dead; `last_errno` says why
  };

  bool is_empty() const noexcept { return size() == 0; }
  /// Unsent bytes.
  size_t size() const noexcept { return block_ ? block_->bytes.size() - block_->taken : 0; }
  /// Waited-for frames whose end the kernel has not reached.
  size_t marks() const noexcept { return block_ ? block_->marks : 0; }
  int last_errno() const noexcept { return block_ ? block_->last_errno : 0; }

  /// Gives a cork without a block one to fill (empty, may be null); without it `append` makes its own.
  void adopt(std::unique_ptr<cork_block> block) noexcept { block_ = std::move(block); }
  bool has_block() const noexcept { return block_ != nullptr; }
  /// Takes the block back, emptied; whatever it held is gone.
  std::unique_ptr<cork_block> release() noexcept;

  /// Appends one whole frame (`head` then `body`); a mark stands at its end where `waited_for`.
  void append(std::string_view head, std::string_view body, bool waited_for);

  /// Offers everything to `write(data, size)`, which behaves like send(2): bytes taken, or -1 with errno.
  /// Tries once. Adds the marks reached to `completed`.
  template <class Write>
  progress flush(Write &&write, size_t &completed) {
    if (is_empty())
      return advance(0, completed);
    auto taken = write(block_->bytes.data() + block_->taken, size());
    if (taken >= 0)
      return advance(static_cast<size_t>(taken), completed);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
      return progress::blocked;
    block_->last_errno = errno;
    return progress::failed;
  }

  /// Drops every waited-for frame of which the kernel has not taken a byte; all others stay, in order.
  /// Returns the number of frames dropped (their marks were the latest).
  size_t drop_unstarted();

private:
  progress advance(size_t taken, size_t &completed) noexcept;
  void compact();

  std::unique_ptr<cork_block> block_;
};

} // namespace stentor::net
