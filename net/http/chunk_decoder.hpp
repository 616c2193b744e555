// SPDX-License-Identifier: Apache-2.0
// Decodes a chunked request body (RFC 9112 section 7.1) byte by byte: it keeps no bytes, so a body cut
// anywhere costs no buffer. Beast's own decoder wants cut chunk headers again and asserts on some cuts.
// Extensions and trailers are skipped and bounded. Pure, one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stentor::net {

class chunk_decoder {
public:
  enum class status : uint8_t {
    more,   ///< wants more bytes
    piece,  ///< `piece` holds body bytes: report how many were taken by `take`
    done,   ///< the body's end was read, the bytes after it belong to the next request
    broken, ///< not a chunked body
  };

  /// Reads until there is something to say; removes what it read from `bytes`. A piece stays in front until
  /// `take` has taken it.
  status next(std::string_view &bytes, std::string_view &piece);
  /// Takes the first `n` bytes of the piece in front of `bytes`.
  void take(std::string_view &bytes, size_t n) noexcept;

  static constexpr size_t max_extension_bytes = 1024; ///< of one chunk
  static constexpr size_t max_trailer_bytes = 8 * 1024;

private:
  enum class at : uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    last_lf,
    done
  };
  bool step(char c);

  at at_ = at::size;
  uint8_t digits_ = 0;
  bool line_is_empty_ = true;
  uint64_t left_ = 0;
  size_t skipped_ = 0;
};

} // namespace stentor::net
