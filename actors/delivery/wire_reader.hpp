// SPDX-License-Identifier: Apache-2.0
// The values that lane items are made of, as they are read from another node: each checked before it is
// copied. Used by actors/wire*.cpp only; lives for one batch.
#pragma once

#include "actors/delivery/wire_writer.hpp"
#include "net/codec/msgpack_reader.hpp"

#include <concepts>
#include <limits>

namespace stentor::actors::wire {

/// What one batch is read from.
struct input {
  net::msgpack_reader in;
  const wire_link &link;
  // The last sender read, and its bytes in the batch: messages of one sender come together, and share it.
  std::string_view sender_bytes;
  std::shared_ptr<const sender> last_sender;
};

/// The elements of one array, in order. Every function is false at the array's end, where the element is
/// another kind of value or out of bounds, and after any failure of the source.
class fields {
public:
  explicit fields(input &from) noexcept : from_{from}, is_open_{from.in.enter(left_)} {}

  /// What is left was added by a later version, and is passed over.
  bool end() noexcept {
    std::string_view ignored;
    while (next())
      if (!from_.in.skip(ignored))
        return false;
    return is_open_ && !from_.in.failure();
  }
  /// Moves to an element that the caller reads from the source.
  bool next() noexcept { return is_open_ && from_.in.next(left_); }
  /// Moves to the next element, and over it where it is nil.
  bool next(bool &is_nil) noexcept {
    if (!next())
      return false;
    is_nil = from_.in.peek() == net::value_kind::null;
    return !is_nil || from_.in.read_null();
  }

  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) bool take(T &x) noexcept {
    uint64_t u = 0;
    if (!take_natural(u, std::numeric_limits<T>::max()))
      return false;
    x = static_cast<T>(u);
    return true;
  }
  bool take(bool &x) noexcept { return next() && from_.in.read(x); }
  /// Of the first `count` values of `Enum`.
  template <class Enum>
  bool take(Enum &x, size_t count) noexcept {
    uint64_t u = 0;
    if (!take_natural(u, count - 1))
      return false;
    x = static_cast<Enum>(u);
    return true;
  }
  bool take(std::optional<verdict> &x) noexcept;

  bool take(std::string_view &x, size_t most) noexcept {
    return next() && from_.in.read(x) && x.size() <= most;
  }
  bool take_binary(std::string_view &x, size_t most) noexcept {
    return next() && from_.in.read_binary(x) && x.size() <= most;
  }
  template <class Tag>
  bool take(id<Tag> &x) {
    std::string_view text;
    if (!take(text, max_id_bytes) || !is_valid_id(text))
      return false;
    x = id<Tag>::trusted(std::string{text});
    return true;
  }
  /// May be empty.
  template <class Tag>
  bool take_or_none(id<Tag> &x) {
    std::string_view text;
    if (!take(text, max_id_bytes) || (!text.empty() && !is_valid_id(text)))
      return false;
    x = id<Tag>::trusted(std::string{text});
    return true;
  }
  bool take(session_ref &x) noexcept { return take(x.loop) && take(x.index) && take(x.generation); }
  bool take(message_id &x) noexcept;
  bool take(place &x) noexcept;
  bool take(route &x) { return take(x.node) && take(x.inc) && take(x.session) && take(x.ep); }
  bool take(via &x) { return take_or_none(x.node) && take(x.ep); }
  bool take_time(time_point &x, time_point none) noexcept;

  /// `each` reads one element; at most `most` of them.
  template <class F>
  bool take_list(size_t most, F each) {
    net::msgpack_reader::array list;
    if (!next() || !from_.in.enter(list) || list.left > most)
      return false;
    while (from_.in.next(list))
      if (!each())
        return false;
    return !from_.in.failure();
  }

private:
  bool take_natural(uint64_t &x, uint64_t most) noexcept {
    net::number n;
    if (!next() || !from_.in.read(n) || n.type != net::number::kind::natural || n.u > most)
      return false;
    x = n.u;
    return true;
  }

  input &from_;
  net::msgpack_reader::array left_;
  bool is_open_;
};

// -- each reads one value of the input; in the files of their names ----

bool take(input &from, outcome &x);
envelope_ptr take_envelope(input &from); ///< null where it is none
bool take(input &from, owed_verdict &x);
bool take(input &from, session_state &x);

} // namespace stentor::actors::wire
