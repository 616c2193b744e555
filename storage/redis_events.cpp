// SPDX-License-Identifier: Apache-2.0
// The Redis directory's events: a stream a partition, and a cursor that knows whether it missed any.
#include "storage/redis_directory.hpp"

#include <algorithm>

namespace stentor::storage {

namespace {

/// A position before the first event.
constexpr std::string_view no_event = "0-0";

/// The fields of a stream's entry.
std::optional<event> event_from(const redis_reply &entry) {
  event x;
  auto &fields = entry.at(1).elements;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    auto &name = fields[i].text;
    auto &value = fields[i + 1].text;
    if (name == "k")
      x.kind = value == "n" ? event_kind::online : event_kind::offline;
    else if (name == "d" && is_valid_id(value))
      x.device = device_id::trusted(value);
    else if (name == "a" && is_valid_id(value))
      x.account = account_id::trusted(value);
    else if (name == "e")
      x.ep = from_hex(value).value_or(0);
  }
  if (x.device.empty() || x.account.empty() || x.ep == 0)
    return {};
  return x;
}

std::vector<std::string> positions_of(std::string_view cursor) {
  std::vector<std::string> result;
  while (!cursor.empty()) {
    auto end = std::min(cursor.find(' '), cursor.size());
    result.emplace_back(cursor.substr(0, end));
    cursor.remove_prefix(std::min(end + 1, cursor.size()));
  }
  return result;
}

std::string cursor_of(const std::vector<std::string> &positions) {
  std::string text;
  for (auto &x : positions)
    text += (text.empty() ? "" : " ") + x;
  return text;
}

} // namespace

// All partitions are read in one pipeline, and the cursor moves only if every one of them could be read: a
// cursor that moved for some would lose the events of the others without a trace.
auto redis_directory::events_after(std::string &cursor, size_t most) -> result<std::vector<event>> {
  if (auto failure = usable())
    return failure;
  redis_pipeline ask;
  if (cursor.empty()) {
    for (size_t p = 0; p < redis_keys::partitions; ++p)
      ask.add({"XREVRANGE", keys_.events(p), "+", "-", "COUNT", "1"});
    auto said = run(ask);
    if (!said)
      return said.error();
    std::vector<std::string> positions;
    for (auto &reply : *said) {
      if (auto failure = connection_.error_of(reply))
        return failure;
      positions.push_back(reply.elements.empty() ? std::string{no_event} : reply.at(0).at(0).text);
    }
    cursor = cursor_of(positions);
    return std::vector<event>{};
  }
  auto positions = positions_of(cursor);
  if (positions.size() != redis_keys::partitions)
    return make_error(errc::not_found);
  // From the entry at which we stand: it must still be there, or what followed it may be gone as well. Before
  // the first one stands no entry, but a stream that is short was never trimmed.
  auto limit = std::to_string(most < SIZE_MAX ? most + 1 : most);
  for (size_t p = 0; p < redis_keys::partitions; ++p) {
    ask.add({"XLEN", keys_.events(p)});
    ask.add({"XRANGE", keys_.events(p), positions[p], "+", "COUNT", limit});
  }
  auto said = run(ask);
  if (!said)
    return said.error();
  std::vector<event> found;
  for (size_t p = 0; p < redis_keys::partitions; ++p) {
    auto length = (*said)[2 * p].integer;
    auto &entries = (*said)[2 * p + 1];
    if (entries.is_error() && entries.text.find("Invalid stream ID") != entries.text.npos)
      return make_error(errc::not_found);
    if (auto failure = connection_.error_of(entries))
      return failure;
    auto is_at_none = positions[p] == no_event;
    auto is_trimmed = is_at_none ? length >= static_cast<int64_t>(options_.max_events)
                                 : entries.at(0).at(0).text != positions[p];
    if (is_trimmed)
      return make_error(errc::not_found);
    for (size_t i = is_at_none ? 0 : 1; i < entries.elements.size() && found.size() < most; ++i) {
      auto &entry = entries.elements[i];
      positions[p] = entry.at(0).text;
      if (auto x = event_from(entry))
        found.push_back(std::move(*x));
    }
  }
  cursor = cursor_of(positions);
  return found;
}

} // namespace stentor::storage
