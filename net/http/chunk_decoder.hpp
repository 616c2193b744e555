// SPDX-License-Identifier: Apache-2.0
// Decodes a chunked body (RFC 9112 section 7.1) byte by byte, for requests and for the client's responses: it
// keeps no bytes, so a body cut anywhere costs no buffer. Strict: a line of framing that another reader might
// understand differently is an error. Extensions and trailers are bounded, checked and skipped. Why by hand:
// docs/decisions/0023. Pure, one owner.
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

  static constexpr size_t max_size_digits = 8;        ///< 4 GiB: far above every limit, far below an overflow
  static constexpr size_t max_extension_bytes = 1024; ///< of one chunk, all behind its size
  static constexpr size_t max_trailer_bytes = 8 * 1024; ///< all of them together

private:
  /// What stands behind a chunk's size, up to the line's end:
  /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
  struct extensions {
    enum class at : uint8_t {
      end_of_one, ///< behind the size, or a quoted value
      gap,        ///< blanks that must lead to another extension
      before_name,
      name,
      name_gap, ///< blanks that must lead to a value or another extension
      before_value,
      token,
      quoted,
      escaped,
      line_end, ///< its CR was read
    };
    at at_ = at::end_of_one;

    bool step(char c) noexcept;
    bool end_one(char c, at blanks) noexcept;
  };

  enum class at : uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer, ///< at a line's start: a name, or the body's end
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done
  };
  bool step(char c) noexcept;

  at at_ = at::size;
  extensions extensions_;
  uint8_t digits_ = 0;
  uint64_t left_ = 0;
  size_t skipped_ = 0; ///< bytes of the extensions or trailers under way
};

} // namespace stentor::net
