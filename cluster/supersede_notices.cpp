// SPDX-License-Identifier: Apache-2.0
#include "cluster/supersede_notices.hpp"

namespace stentor {

bool supersede_notices::add(supersede_notice what, time_point now) {
  std::pair key{what.previous.inc, what.device};
  auto i = owed_.find(key);
  if (i == owed_.end() && owed_.size() >= most)
    return false;
  if (i != owed_.end() && i->second.what.newer >= what.newer)
    return true;
  owed_.insert_or_assign(std::move(key), entry{std::move(what), now, now, now, false});
  return true;
}

void supersede_notices::on_seen(incarnation by, const device_id &device, epoch newer) {
  auto i = owed_.find({by, device});
  if (i != owed_.end() && i->second.what.newer <= newer)
    owed_.erase(i);
}

void supersede_notices::on_not_posted(const supersede_notice &what, time_point now) {
  auto i = owed_.find({what.previous.inc, what.device});
  if (i == owed_.end() || i->second.what.newer != what.newer)
    return;
  i->second.posted = false;
  i->second.next_post = now + post_again;
}

void supersede_notices::on_dead(incarnation inc) {
  std::erase_if(owed_, [&](auto &x) { return x.first.first == inc; });
}

supersede_notices::work supersede_notices::due(time_point now,
                                               const std::function<bool(incarnation)> &is_up) {
  work result;
  for (auto i = owed_.begin(); i != owed_.end();) {
    auto &x = i->second;
    if (now - x.since >= lifetime) {
      i = owed_.erase(i);
      continue;
    }
    auto linked = is_up(i->first.first);
    if (linked && now >= x.next) {
      result.send.push_back(x.what);
      x.next = now + repeat_every;
    }
    if (!x.posted && now >= x.next_post && (!linked || now - x.since >= patience)) {
      result.post.push_back(x.what);
      x.posted = true;
    }
    ++i;
  }
  return result;
}

} // namespace stentor
