// SPDX-License-Identifier: Apache-2.0
// Collects small pieces for the end of a string: they gather on the stack and cost one append together. Lives
// for one frame; the string must not be touched in that time.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace stentor::net {

class append_buffer {
public:
  explicit append_buffer(std::string &out) noexcept : out_{out} {}
  ~append_buffer() { flush(); }
  append_buffer(const append_buffer &) = delete;
  append_buffer &operator=(const append_buffer &) = delete;

  // The way without a flush is inlined everywhere: a writer of frames calls it some twenty times for each.
  [[gnu::always_inline]] void put(char c) {
    if (used_ == bytes_.size()) [[unlikely]]
      flush();
    bytes_[used_++] = c;
  }
  [[gnu::always_inline]] void put(std::string_view piece) {
    if (piece.size() > bytes_.size() - used_) [[unlikely]]
      return put_past_end(piece);
    std::memcpy(bytes_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
  }

  /// As `msgpack::packer` calls it.
  [[gnu::always_inline]] void write(const char *bytes, size_t size) { put(std::string_view{bytes, size}); }

  /// The string with everything put so far.
  std::string &flushed() {
    flush();
    return out_;
  }

private:
  [[gnu::noinline]] void flush() {
    out_.append(bytes_.data(), used_);
    used_ = 0;
  }
  [[gnu::noinline]] void put_past_end(std::string_view piece) {
    flush();
    if (piece.size() > bytes_.size()) {
      out_.append(piece);
      return;
    }
    std::memcpy(bytes_.data(), piece.data(), piece.size());
    used_ = piece.size();
  }

  std::string &out_;
  size_t used_ = 0;
  std::array<char, 256> bytes_; // a whole frame but for its payload
};

} // namespace stentor::net
