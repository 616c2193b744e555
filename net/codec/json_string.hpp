// SPDX-License-Identifier: Apache-2.0
// The inside of JSON strings: where the plain run ends, escapes to characters and back. Pure, any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace stentor::net {

/// The first byte of a string that is not a plain character: quote, backslash, control character or the end.
inline const char *plain_run(const char *p, const char *end, bool &non_ascii) noexcept {
#ifdef __SSE2__
  auto quote = _mm_set1_epi8('"');
  auto backslash = _mm_set1_epi8('\\');
  auto last_control = _mm_set1_epi8(0x1f);
  for (; end - p >= 16; p += 16) {
    auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
    auto special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes));
    auto stop = static_cast<uint32_t>(_mm_movemask_epi8(special));
    auto high = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
    if (stop != 0) {
      non_ascii |= (high & ((stop & -stop) - 1)) != 0;
      return p + std::countr_zero(stop);
    }
    non_ascii |= high != 0;
  }
#endif
  for (; p != end; ++p) {
    auto c = static_cast<unsigned char>(*p);
    if (c == '"' || c == '\\' || c < 0x20)
      return p;
    non_ascii |= c >= 0x80;
  }
  return p;
}

/// The value of four hexadecimal digits, or -1.
int hex4(const char *p) noexcept;

constexpr bool is_high_surrogate(int x) noexcept {
  return x >= 0xd800 && x < 0xdc00;
}
constexpr bool is_low_surrogate(int x) noexcept {
  return x >= 0xdc00 && x < 0xe000;
}

/// Appends what `inner`, the checked inside of a string, stands for. Never longer than `inner`.
void append_unescaped(std::string &out, std::string_view inner);

/// Appends `text` with quotes and escapes; UTF-8 goes through as it is.
void append_json_string(std::string &out, std::string_view text);

} // namespace stentor::net
