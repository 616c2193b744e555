// SPDX-License-Identifier: Apache-2.0
// How the directory's values are encoded in Redis: keys with their hash tags, and records as text
// (docs/directory.md). Pure. Values read from the store are checked: another program may have written there.
#pragma once

#include "cluster/slots.hpp"
#include "storage/directory.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stentor::storage {

/// Keys of one cluster. Everything with one tag is in one hash slot of a Redis cluster.
class redis_keys {
public:
  /// Records are spread over this many tags: a cluster of Redis servers shares them, a single one does not
  /// care.
  static constexpr size_t partitions = 8;

  explicit redis_keys(std::string cluster) : prefix_{std::move(cluster)} {}

  static size_t partition_of(slot s) noexcept { return s * partitions / slot_count; }
  std::string records(slot s) const { return tag(partition_of(s)) + "r" + std::to_string(s); }
  std::string highest(size_t partition) const { return tag(partition) + "epoch"; }
  std::string events(size_t partition) const { return tag(partition) + "events"; }
  std::string count(size_t partition) const { return tag(partition) + "count"; }
  std::string leases() const { return prefix_ + "{m}leases"; }
  std::string words(const node_id &node, incarnation inc) const {
    return prefix_ + "{m}words" + hex(inc) + "." + node.str();
  }
  std::string account(const account_id &account) const { return prefix_ + "a{" + account.str() + "}"; }

  static std::string hex(uint64_t x);
  /// At most 11 characters of [0-9A-Za-z_-], the lowest first: in records, of which Redis keeps a slot's in
  /// one compact block only while each is of 64 bytes at most.
  static std::string digits(uint64_t x);

private:
  std::string tag(size_t partition) const { return prefix_ + "{p" + std::to_string(partition) + "}"; }
  std::string prefix_;
};

/// "incarnation.loop.index.generation.node", numbers as `digits`: what identifies a bind.
std::string holder_text(const route &at);
/// The route of a holder text, without epoch; nothing where it is none.
std::optional<route> route_from(std::string_view holder);

struct redis_record {
  account_id account;
  route at;
  std::string holder;
};
/// Nothing for text that no script of ours wrote.
std::optional<redis_record> redis_record_from(std::string_view text);

/// A line of the leases' hash.
struct redis_lease {
  lease at;
  bool dead = false;
  bool swept = false;
};
std::optional<redis_lease> redis_lease_from(std::string_view field, std::string_view text);
inline std::string lease_field(const node_id &node, incarnation inc) {
  return node.str() + ' ' + redis_keys::hex(inc);
}

std::optional<uint64_t> from_hex(std::string_view text) noexcept;
std::optional<uint64_t> from_digits(std::string_view text) noexcept;
std::optional<int64_t> from_decimal(std::string_view text) noexcept;
/// A time of the store, between 1970 and the year 9999 whatever it says: margins are added to it.
std::optional<directory_time> directory_time_from(std::string_view text) noexcept;
/// The same of an answer to TIME, seconds and microseconds; 1970 for anything else.
directory_time directory_time_from(std::string_view seconds, std::string_view micros) noexcept;

} // namespace stentor::storage
