// SPDX-License-Identifier: Apache-2.0
// Where the states of sessions went that a resume took away, for as long as verdicts may still be owed to
// them. Confined to its loop; time arrives as an argument.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/time.hpp"

#include <map>
#include <utility>

namespace stentor::actors {

/// The session that has the state of another one now, and its loop.
struct heir {
  place at;
  session_ref session;
  time_point until; ///< remembered so long
};

class heirs {
public:
  void add(const session_ref &from, const heir &to) { all_.insert_or_assign(key_of(from), to); }
  /// Null if the state was not handed over, or long ago.
  const heir *find(const session_ref &ref) const noexcept {
    if (all_.empty())
      return nullptr;
    auto i = all_.find(key_of(ref));
    return i == all_.end() ? nullptr : &i->second;
  }
  void expire(time_point now) {
    std::erase_if(all_, [now](const auto &x) { return x.second.until <= now; });
  }
  bool empty() const noexcept { return all_.empty(); }

private:
  using key = std::pair<uint32_t, uint64_t>; ///< index and generation, all on this loop
  static key key_of(const session_ref &x) noexcept { return {x.index, x.generation}; }

  std::map<key, heir> all_;
};

} // namespace stentor::actors
