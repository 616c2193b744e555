// SPDX-License-Identifier: Apache-2.0
#include "storage/event_log.hpp"

#include <charconv>
#include <cstring>

namespace stentor::storage {

namespace {

/// Small enough that dropping one is cheap, large enough that its own bookkeeping does not count.
constexpr uint64_t segment_events = 256;

void put_text(std::string &out, const std::string &text) {
  static_assert(max_id_bytes < 256, "an id's length fits one byte");
  out.push_back(static_cast<char>(text.size()));
  out += text;
}

std::string take_text(const char *&from) {
  auto size = static_cast<unsigned char>(*from++);
  auto text = std::string{from, size};
  from += size;
  return text;
}

void skip(const char *&from) {
  from += 1 + sizeof(epoch);
  from += 1 + static_cast<unsigned char>(*from);
  from += 1 + static_cast<unsigned char>(*from);
}

event take(const char *&from) {
  event x;
  x.kind = static_cast<event_kind>(*from++);
  std::memcpy(&x.ep, from, sizeof x.ep);
  from += sizeof x.ep;
  x.device = device_id::trusted(take_text(from));
  x.account = account_id::trusted(take_text(from));
  return x;
}

} // namespace

void event_log::append(event_kind kind, const device_id &device, const account_id &account, epoch ep) {
  if (segments_.empty() || segments_.back().count == segment_events) {
    if (!segments_.empty())
      segments_.back().bytes.shrink_to_fit();
    segments_.push_back({next_, 0, {}});
    while (next_ - segments_[0].first >= most_ + segment_events)
      segments_.pop_front();
  }
  auto &[first, count, bytes] = segments_.back();
  bytes.push_back(static_cast<char>(kind));
  bytes.append(reinterpret_cast<const char *>(&ep), sizeof ep);
  put_text(bytes, device.str());
  put_text(bytes, account.str());
  ++count;
  ++next_;
}

caf::expected<std::vector<event>> event_log::read(std::string &cursor, size_t most) const {
  auto at = next_;
  if (!cursor.empty()) {
    auto end = cursor.data() + cursor.size();
    auto [stop, failure] = std::from_chars(cursor.data(), end, at);
    if (failure != std::errc{} || stop != end || at > next_ || at < oldest())
      return make_error(errc::not_found, "the cursor is not within the events kept");
  }
  std::vector<event> found;
  // Every segment but the last is full, so the one that holds `at` is found by arithmetic.
  for (auto i = (at - oldest()) / segment_events; i < segments_.size() && found.size() < most; ++i) {
    auto &x = segments_[i];
    auto from = x.bytes.data();
    for (auto number = x.first; number < x.first + x.count && found.size() < most; ++number) {
      if (number < at) {
        skip(from);
      } else {
        found.push_back(take(from));
        ++at;
      }
    }
  }
  cursor = std::to_string(at);
  return found;
}

} // namespace stentor::storage
