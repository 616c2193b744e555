// SPDX-License-Identifier: Apache-2.0
// The 128 bytes every message of the benchmark carries: who it is for, which stream and which number of it,
// and when it was meant to leave. Printable and free of quotes, so that it is the floor's frame and a JSON or
// MessagePack string without a change. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace stentor::bench {

inline constexpr size_t payload_bytes = 128;
inline constexpr std::string_view payload_magic = "~stb";

struct payload_fields {
  uint32_t target = 0;   ///< index of the device it must arrive at
  uint32_t stream = 0;   ///< messages of one stream arrive in the order of their numbers
  uint64_t number = 0;   ///< 0, 1, 2, ... within its stream
  uint64_t meant_ns = 0; ///< on the steady clock: when it was due, not when it left

  bool operator==(const payload_fields &) const = default;
};

/// Fills exactly `payload_bytes` at `out`.
void write_payload(char *out, const payload_fields &fields) noexcept;

/// Nothing where the size, the magic, the check word or the filler is not what `write_payload` makes.
std::optional<payload_fields> read_payload(std::string_view bytes) noexcept;

/// The target alone, for the floor's routing; nothing where it is not a number.
std::optional<uint32_t> read_target(const char *payload) noexcept;

/// A message's own id: stream and number as `message_id_bytes` hexadecimal digits.
inline constexpr size_t message_id_bytes = 16;
void write_message_id(char *out, uint32_t stream, uint64_t number) noexcept;
/// False where `id` is not such an id.
bool read_message_id(std::string_view id, uint32_t &stream, uint64_t &number) noexcept;

} // namespace stentor::bench
