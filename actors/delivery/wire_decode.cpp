// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/wire_reader.hpp"
#include "net/codec/protocol.hpp"

#include <algorithm>

namespace stentor::actors {

namespace wire {

namespace {

bool take_envelope(input &from, fields &f, envelope_ptr &x) {
  if (!f.next())
    return false;
  x = take_envelope(from);
  return x != nullptr;
}

bool take_proof(fields &f, resume_secret &x) {
  std::string_view bytes;
  if (!f.take_binary(bytes, x.size()) || bytes.size() != x.size())
    return false;
  std::copy(bytes.begin(), bytes.end(), x.begin());
  return true;
}

bool take_state(input &from, fields &f, std::unique_ptr<session_state> &x) {
  auto is_gone = false;
  if (!f.next(is_gone))
    return false;
  if (is_gone)
    return true;
  x = std::make_unique<session_state>();
  return take(from, *x);
}

/// A `T` of its own in `item`.
template <class T>
T &emplace_owned(lane_item &item) {
  return *item.emplace<std::unique_ptr<T>>(std::make_unique<T>());
}

bool take_item(input &from, lane_item &item) {
  fields f{from};
  kind what{};
  if (!f.take(what, kind_count))
    return false;
  switch (what) {
  case kind::deliver: {
    auto &x = item.emplace<items::deliver>();
    return f.take(x.to) && f.take(x.ep) && take_envelope(from, f, x.what) && f.end();
  }
  case kind::bounce: {
    auto &x = item.emplace<items::bounce>();
    return f.take(x.refused) && take_envelope(from, f, x.what) && f.end();
  }
  case kind::marker: {
    auto &x = item.emplace<items::marker>();
    return f.take(x.to) && f.take(x.device) && f.take(x.id) && f.take(x.sender) && f.take(x.returning) &&
           f.end();
  }
  case kind::settle: {
    auto &x = item.emplace<items::settle>();
    return f.take(x.correlation) && f.take(x.interim) && f.next() && take(from, x.result) && f.end();
  }
  case kind::owed: {
    auto &x = emplace_owned<items::owed>(item);
    return f.take(x.to) && f.next() && take(from, x.what) && f.take(x.message) && f.end();
  }
  case kind::settle_key: {
    auto &x = emplace_owned<items::settle_key>(item);
    std::string_view key;
    if (!f.take(x.to) || !f.take_or_none(x.from) || !f.take(key, net::max_key_bytes) || key.empty() ||
        !f.take(x.what, verdict_count) || !f.take(x.by))
      return false;
    x.key = key;
    return f.end();
  }
  case kind::supersede: {
    auto &x = emplace_owned<items::supersede>(item);
    return f.take(x.to) && f.take(x.device) && f.take(x.newer) && f.take(x.sender) && f.end();
  }
  case kind::supersede_seen: {
    auto &x = emplace_owned<items::supersede_seen>(item);
    return f.take(x.device) && f.take(x.newer) && f.take(x.by) && f.end();
  }
  case kind::hand_over: {
    auto &x = emplace_owned<items::hand_over>(item);
    return f.take(x.to) && f.take(x.device) && f.take(x.newer) && take_proof(f, x.proof) &&
           f.take(x.requester) && f.take(x.from) && f.end();
  }
  case kind::handed_over: {
    auto &x = item.emplace<items::handed_over>();
    return f.take(x.to) && take_state(from, f, x.state) && f.end();
  }
  }
  return false;
}

} // namespace

} // namespace wire

caf::error decode(std::string_view batch, const wire_link &link,
                  const std::function<void(lane_item &)> &take) {
  wire::input from{net::msgpack_reader{batch}, link, {}, nullptr};
  for (size_t count = 0; !from.in.at_end(); ++count) {
    lane_item item;
    if (wire::take_item(from, item)) {
      take(item);
      continue;
    }
    // The reader knows of bytes that are no MessagePack; otherwise a value is of a wrong kind or out of
    // bounds.
    const auto &why = from.in.failure();
    return make_error(why ? why.code : errc::malformed,
                      "item " + std::to_string(count) +
                          " of a batch: " + (why ? why.text : "a value is missing or out of bounds"));
  }
  return {};
}

} // namespace stentor::actors
