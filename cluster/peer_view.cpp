// SPDX-License-Identifier: Apache-2.0
#include "cluster/peer_view.hpp"

#include <algorithm>

namespace stentor {

std::vector<slot_node> peer_view::merge(const news &n) {
  const auto &r = n.from;
  std::map<node_id, incarnation> leased; // by node id: the directory leases one incarnation of each
  for (const auto &m : r.view) {
    leased[m.who.node] = m.who.inc;
    if (m.who.node != n.self.node)
      known_[m.who] = {m, standing::leased};
  }
  auto lists = [](const auto &list, const slot_node &who) {
    return std::any_of(list.begin(), list.end(), [&](const auto &x) { return x.who == who; });
  };
  std::vector<slot_node> over;
  for (auto it = known_.begin(); it != known_.end();) {
    auto &[who, e] = *it;
    if (lists(r.view, who)) {
      ++it;
      continue;
    }
    auto other = leased.find(who.node);
    bool linked = health(who) == link_health::up;
    if (lists(r.unswept, who) || (other != leased.end() && other->second != who.inc) ||
        (n.complete && !linked && !lists(r.expired, who))) {
      over.push_back(who);
      it = known_.erase(it);
      continue;
    }
    if (!linked)
      e.s = standing::ended;
    else if (!n.keep_linked || e.s == standing::lingering || e.s == standing::ended)
      e.s = standing::lingering;
    else
      e.s = standing::kept;
    ++it;
  }
  return over;
}

void peer_view::link(const slot_node &who, link_health h) {
  if (h == link_health::down)
    links_.erase(who);
  else
    links_[who] = h;
}

link_health peer_view::health(const slot_node &who) const {
  auto it = links_.find(who);
  return it == links_.end() ? link_health::down : it->second;
}

std::vector<slot_node> peer_view::slots() const {
  std::vector<slot_node> result;
  for (const auto &[who, e] : known_)
    if ((e.s == standing::leased || e.s == standing::kept) && !e.m.draining)
      result.push_back(who);
  return result;
}

std::vector<member> peer_view::peers() const {
  std::vector<member> result;
  for (const auto &[who, e] : known_)
    if (e.s != standing::ended)
      result.push_back(e.m);
  return result;
}

std::vector<slot_node> peer_view::leased() const {
  std::vector<slot_node> result;
  for (const auto &[who, e] : known_)
    if (e.s == standing::leased)
      result.push_back(who);
  return result;
}

} // namespace stentor
