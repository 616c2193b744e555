// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
namespace stentor {
class link_credit {
public:
  bool take(size_t bytes) {
    if (bytes_ - handled_bytes_ + bytes > 8u * 1024 * 1024 || messages_ - handled_messages_ >= 65536) return false;
    bytes_ += bytes; ++messages_; return true;
  }
  bool on_handled(uint64_t bytes, uint64_t messages) { handled_bytes_ = bytes; handled_messages_ = messages; return true; }
private:
  uint64_t bytes_ = 0, messages_ = 0, handled_bytes_ = 0, handled_messages_ = 0;
};
} // namespace stentor
