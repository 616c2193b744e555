// SPDX-License-Identifier: Apache-2.0
// The masking of RFC 6455 5.3: an exclusive or with four bytes over and over. Its own inverse. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace stentor::net {

/// Masks or unmasks `bytes` in place; `phase` is their distance from the start of the payload.
inline void apply_mask(std::span<char> bytes, std::array<char, 4> mask, uint64_t phase) noexcept {
  std::array<char, 8> twice;
  for (size_t i = 0; i < twice.size(); ++i)
    twice[i] = mask[(phase + i) % 4];
  uint64_t word;
  std::memcpy(&word, twice.data(), sizeof word);
  auto *at = bytes.data();
  auto left = bytes.size();
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    uint64_t chunk; // memcpy: the payload stands at any address; compilers make wide loads of it
    std::memcpy(&chunk, at, sizeof chunk);
    chunk ^= word;
    std::memcpy(at, &chunk, sizeof chunk);
  }
  for (size_t i = 0; i < left; ++i)
    at[i] = static_cast<char>(at[i] ^ twice[i]);
}

} // namespace stentor::net
