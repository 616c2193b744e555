// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/wire_reader.hpp"

#include <array>

namespace stentor::actors::wire {

namespace {

constexpr size_t max_detail_bytes = 256; ///< ours are sentences of at most 60
constexpr size_t id_bytes = 16;          ///< a message's, the high word first

} // namespace

// -- elements ----

void writer::put(const message_id &x) {
  std::array<char, id_bytes> bytes;
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(x.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(x.low >> (56 - 8 * i));
  }
  binary({bytes.data(), bytes.size()});
}

bool fields::take(message_id &x) noexcept {
  std::string_view bytes;
  if (!take_binary(bytes, id_bytes) || bytes.size() != id_bytes)
    return false;
  for (size_t i = 0; i < 8; ++i) {
    x.high = x.high << 8 | static_cast<uint8_t>(bytes[i]);
    x.low = x.low << 8 | static_cast<uint8_t>(bytes[8 + i]);
  }
  return true;
}

bool fields::take(place &x) noexcept {
  x.link_epoch = 0;
  if (!take(x.inc) || !take(x.loop) || x.inc == 0)
    return false;
  if (x.inc == from_.link.own)
    x.inc = 0;
  else if (x.inc == from_.link.peer)
    x.link_epoch = from_.link.link_epoch;
  return true;
}

bool fields::take_time(time_point &x, time_point none) noexcept {
  auto is_nil = false;
  if (!next(is_nil))
    return false;
  if (is_nil) {
    x = none;
    return true;
  }
  net::number n;
  if (!from_.in.read(n))
    return false;
  int64_t us = 0;
  if (n.type == net::number::kind::natural && n.u <= uint64_t{most_us})
    us = static_cast<int64_t>(n.u);
  else if (n.type == net::number::kind::negative && n.i >= -most_us)
    us = n.i;
  else
    return false;
  x = from_.link.now + std::chrono::microseconds{us};
  return true;
}

bool fields::take(std::optional<verdict> &x) noexcept {
  auto is_nil = false;
  if (!next(is_nil))
    return false;
  x.reset();
  if (is_nil)
    return true;
  net::number n;
  if (!from_.in.read(n) || n.type != net::number::kind::natural || n.u >= verdict_count)
    return false;
  x = static_cast<verdict>(n.u);
  return true;
}

// -- outcomes ----

void put(writer &w, const outcome &x) {
  w.list(7);
  w.put(x.what);
  w.put(x.at);
  w.put(x.by);
  x.first ? w.put(*x.first) : w.nil();
  w.put(uint64_t{x.target_us});
  x.detail ? w.put(std::string_view{x.detail}) : w.nil();
}

bool take(input &from, outcome &x) {
  fields f{from};
  auto has_no_detail = false;
  if (!f.take(x.what, verdict_count) || !f.take(x.at, stage_count) || !f.take(x.by) || !f.take(x.first) ||
      !f.take(x.target_us) || !f.next(has_no_detail))
    return false;
  if (!has_no_detail) {
    std::string_view text;
    if (!from.in.read(text) || text.size() > max_detail_bytes)
      return false;
    x.detail = known_detail(text);
  }
  return f.end();
}

} // namespace stentor::actors::wire
