// SPDX-License-Identifier: Apache-2.0
// What a device's old session hands to the new one on another node.
#include "actors/delivery/wire_reader.hpp"
#include "net/codec/protocol.hpp"

namespace stentor::actors::wire {

namespace {

/// In the place of a key's verdict: that follows the state (`settle_key`). No verdict's number, ever.
constexpr uint8_t in_progress = 255;

// -- idempotency keys ----

void put_key(writer &w, const idempotency::entry &x) {
  w.list(7);
  w.put(x.from);
  w.put(std::string_view{x.key});
  w.put(x.digest);
  w.put_time(x.when, time_point::max());
  w.put(uint64_t{x.settled ? static_cast<uint8_t>(*x.settled) : in_progress});
  w.put(x.by);
}

bool take_key(input &from, idempotency::entry &x) {
  fields f{from};
  std::string_view key;
  uint64_t settled = 0;
  if (!f.take_or_none(x.from) || !f.take(key, net::max_key_bytes) || key.empty() || !f.take(x.digest) ||
      !f.take_time(x.when, time_point::max()) || !f.take(settled) ||
      (settled >= verdict_count && settled != in_progress) || !f.take(x.by))
    return false;
  // Nobody's first message came later than now: an entry must not outlive its window.
  x.when = std::min(x.when, from.link.now);
  x.key = key;
  if (settled != in_progress)
    x.settled = static_cast<verdict>(settled);
  return f.end();
}

/// The session that takes the state applies its own bounds; on the way nothing but the wire's hold.
limits wire_limits() {
  limits lim;
  lim.idempotency_keys = max_keys;
  lim.idempotency_window =
      std::chrono::duration_cast<std::chrono::milliseconds>(2 * std::chrono::microseconds{most_us});
  return lim;
}

// -- verdicts ----

bool take_copy(input &from, copy_verdict &x) {
  fields f{from};
  std::string_view device;
  if (!f.take(device, max_id_bytes) || !is_valid_id(device) || !f.next() || !take(from, x.result))
    return false;
  x.device = device;
  return f.end();
}

} // namespace

void put(writer &w, const owed_verdict &x) {
  w.list(4);
  w.put(std::string_view{x.id});
  put(w, x.result);
  w.put(uint64_t{x.total_us});
  if (!x.copies)
    return w.nil();
  w.list(x.copies->size());
  for (const auto &copy : *x.copies) {
    w.list(2);
    w.put(std::string_view{copy.device});
    put(w, copy.result);
  }
}

bool take(input &from, owed_verdict &x) {
  fields f{from};
  std::string_view id;
  auto has_no_copies = false;
  if (!f.take(id, net::max_client_id_bytes) || !f.next() || !take(from, x.result) || !f.take(x.total_us) ||
      !f.next(has_no_copies))
    return false;
  x.id = id;
  if (has_no_copies)
    return f.end();
  net::msgpack_reader::array copies;
  if (!from.in.enter(copies))
    return false;
  x.copies = std::make_unique<std::vector<copy_verdict>>();
  while (from.in.next(copies))
    if (!take_copy(from, x.copies->emplace_back()))
      return false;
  return f.end();
}

// -- open messages ----

namespace {

void put_open(writer &w, const open_message &x) {
  w.list(5);
  w.put(x.id);
  w.put(std::string_view{x.client_id});
  w.put(x.wants);
  w.put_time(x.accepted_at, time_point::max());
  w.put_time(x.deadline, time_point::max());
}

bool take_open(input &from, open_messages &all) {
  fields f{from};
  open_message x;
  std::string_view client_id;
  if (!f.take(x.id) || !f.take(client_id, net::max_client_id_bytes) || !f.take(x.wants, want_count) ||
      x.wants == want::none || !f.take_time(x.accepted_at, time_point::max()) ||
      !f.take_time(x.deadline, time_point::max()) || !f.end())
    return false;
  // Each has a deadline: it is what ends the wait where no word comes.
  if (x.accepted_at == time_point::max() || x.deadline == time_point::max())
    return false;
  x.client_id = client_id;
  x.told_by = from.link.peer;
  all.add(std::move(x));
  return true;
}

} // namespace

void put(writer &w, session_state &x) {
  w.list(4);
  auto keys = x.keys.take_entries();
  w.list(keys.size());
  for (const auto &key : keys)
    put_key(w, key);
  auto unconfirmed = x.unconfirmed.take_all();
  w.list(unconfirmed.size());
  for (const auto &e : unconfirmed)
    put(w, *e);
  w.list(x.owed.size());
  for (const auto &verdict : x.owed)
    put(w, verdict);
  w.list(x.open.size());
  for (const auto &message : x.open.all())
    put_open(w, message);
}

bool take(input &from, session_state &x) {
  fields f{from};
  std::vector<idempotency::entry> keys;
  auto take_unconfirmed = [&] {
    auto e = take_envelope(from);
    if (!e)
      return false;
    x.unconfirmed.reserve(*e);
    x.unconfirmed.add(std::move(e));
    return true;
  };
  if (!f.take_list(max_keys, [&] { return take_key(from, keys.emplace_back()); }) ||
      !f.take_list(max_unconfirmed, take_unconfirmed) ||
      !f.take_list(session_state::max_owed, [&] { return take(from, x.owed.emplace_back()); }) ||
      !f.take_list(open_messages::most, [&] { return take_open(from, x.open); }))
    return false;
  x.keys.adopt(std::move(keys), from.link.now, wire_limits());
  return f.end();
}

} // namespace stentor::actors::wire
