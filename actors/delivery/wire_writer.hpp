// SPDX-License-Identifier: Apache-2.0
// The values that lane items are made of, as they are written for another node: ids, places, times and
// outcomes. Used by actors/wire*.cpp only; lives for one item.
#pragma once

#include "actors/delivery/wire.hpp"
#include "net/codec/msgpack_writer.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace stentor::actors::wire {

/// Times are told within this of now, 35 years: nothing added to a clock overflows.
inline constexpr int64_t most_us = int64_t{1} << 50;

class writer {
public:
  writer(std::string &out, const wire_link &link) noexcept : out_{out}, link_{link} {}

  void list(size_t size) { out_.begin_array(size); }
  void nil() { out_.nil(); }
  void put(bool x) { out_.boolean(x); }
  void put(uint64_t x) { out_.integer(x); }
  void put(std::string_view x) { out_.text(x); }
  void binary(std::string_view x) { out_.binary(x); }
  template <class Tag>
  void put(const id<Tag> &x) {
    out_.text(x.str());
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void put(Enum x) { out_.integer(static_cast<uint64_t>(x)); }

  /// Three elements.
  void put(const session_ref &x) {
    put(uint64_t{x.loop});
    put(uint64_t{x.index});
    put(x.generation);
  }
  /// Two elements.
  void put(const place &x) {
    put(or_own(x.inc));
    put(uint64_t{x.loop});
  }
  /// Six elements.
  void put(const route &x) {
    put(x.node);
    put(or_own(x.inc));
    put(x.session);
    put(x.ep);
  }
  void put(const message_id &x);
  /// Two elements; `ep` 0 has no node.
  void put(const via &x) {
    put(x.ep != 0 && x.node.empty() ? link_.self : x.node);
    put(x.ep);
  }
  incarnation or_own(incarnation inc) const noexcept { return inc == 0 ? link_.own : inc; }

  /// Microseconds from now, negative for the past; nil for `none`.
  void put_time(time_point t, time_point none) {
    if (t == none)
      return nil();
    auto us = std::chrono::duration_cast<std::chrono::microseconds>(t - link_.now).count();
    us = std::clamp<int64_t>(us, -most_us, most_us);
    us < 0 ? out_.negative(us) : out_.integer(static_cast<uint64_t>(us));
  }

private:
  net::msgpack_writer out_;
  const wire_link &link_;
};

/// What an item is, its array's first element; numbers are never reused.
enum class kind : uint8_t {
  deliver,
  bounce,
  marker,
  settle,
  owed,
  supersede,
  supersede_seen,
  hand_over,
  handed_over,
  settle_key,
};
inline constexpr size_t kind_count = 10;

// -- each writes one element ----

void put(writer &w, const outcome &x);
void put(writer &w, const envelope &x);
void put(writer &w, const owed_verdict &x);
/// Used up.
void put(writer &w, session_state &x);

} // namespace stentor::actors::wire
