// SPDX-License-Identifier: Apache-2.0
// The binds of a router's slots while the directory is away: new devices stay reachable within the cluster,
// and the sessions restore themselves once it is back. Owned by a router. Pure: time arrives as an argument.
// Not a cache: it holds nothing that the directory was ever told.
#pragma once

#include "actors/core/types.hpp"

#include <optional>
#include <unordered_map>
#include <vector>

namespace stentor::actors {

class provisional_binds {
public:
  /// Past it binds are refused: some 20 MiB.
  static constexpr size_t most = 65536;

  /// Takes the device for `to`; `errc::overloaded` where the table is full. Idempotent on (incarnation,
  /// session). `now` in microseconds since 1970: epochs must stay above those the directory gave.
  bind_answer bind(const storage::bind_request &what, storage::directory_time now);
  void unbind(const storage::unbind_request &what);
  /// Nothing where the device was not bound here.
  std::optional<storage::record> find(const device_id &device) const;
  /// The directory is back and has given `device` this epoch or a higher one.
  void forget(const device_id &device, epoch up_to);
  /// Records of an incarnation that is dead.
  void forget(incarnation inc);
  void clear() { table_.clear(); }

  bool empty() const noexcept { return table_.empty(); }
  size_t size() const noexcept { return table_.size(); }
  /// The epoch that a later bind must exceed; 0 for none.
  epoch floor_of(const device_id &device) const;

private:
  struct held {
    account_id account;
    route at;
  };
  std::unordered_map<device_id, held> table_;
};

} // namespace stentor::actors
