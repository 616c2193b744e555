// SPDX-License-Identifier: Apache-2.0
// The other nodes as this one knows them: which hold a lease, which have a healthy link, which have ended.
// Merges each view from the directory with the links: a directory that returned empty or after a pause lists
// at first only those that have already renewed. Owned by `membership`.
#pragma once

#include "cluster/membership_events.hpp"

#include <map>
#include <vector>

namespace stentor {

class peer_view {
public:
  /// What a renewal says, and how much it can be trusted.
  struct news {
    const renewal &from;
    const slot_node &self;
    bool keep_linked; ///< the directory may not list everyone yet: whose link is up stays
    bool complete;    ///< who is neither leased nor expired has been declared dead and swept
  };

  /// Those found to be over, each told once.
  std::vector<slot_node> merge(const news &n);
  void link(const slot_node &who, link_health h);
  link_health health(const slot_node &who) const;

  /// Who owns slots, apart from this node; sorted.
  std::vector<slot_node> slots() const;
  /// Whom to keep a link with; sorted.
  std::vector<member> peers() const;
  /// Who held a lease by the last news, apart from this node; sorted.
  std::vector<slot_node> leased() const;

private:
  enum class standing : uint8_t {
    leased,    ///< the directory lists it
    kept,      ///< not listed yet, link up: keeps its slots
    lingering, ///< its lease ended, link up: it owns nothing, but we still talk
    ended,     ///< its lease ended; nobody has declared it dead yet
  };
  struct entry {
    member m;
    standing s = standing::leased;
  };
  std::map<slot_node, entry> known_;
  std::map<slot_node, link_health> links_; ///< those not `down`
};

} // namespace stentor
