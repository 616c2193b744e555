// SPDX-License-Identifier: Apache-2.0
// The embedded directory's second half: leases, tombstones, sweeps and words for incarnations.
#include "storage/memory_directory.hpp"

#include <algorithm>

namespace stentor::storage {

auto memory_directory::renew(const lease &mine, std::chrono::milliseconds length) -> result<renew_result> {
  renew_result answer;
  answer.now = clock_();
  auto known = holders_.find({mine.node, mine.inc});
  if (known != holders_.end() && known->second.dead)
    return make_error(errc::superseded);
  for (auto i = holders_.lower_bound({mine.node, 0}); i != holders_.end() && i->first.first == mine.node; ++i)
    if (i->first.second != mine.inc && is_live(*i, answer.now))
      return make_error(errc::lease_held);
  auto &held = holder_of(mine.node, mine.inc).second;
  answer.until = answer.now + std::chrono::microseconds{length}.count();
  answer.run_id = run_id_;
  answer.uptime = std::chrono::hours{24}; // it forgets nothing while it lives
  held.until = answer.until;
  held.address = mine.address;
  held.draining = mine.draining;
  for (auto &x : holders_)
    if (is_live(x, answer.now))
      answer.view.push_back(lease_of(x));
    else if (x.second.dead && !x.second.swept)
      answer.unswept.push_back(lease_of(x));
    else if (!x.second.dead && x.second.until > 0)
      answer.expired.push_back(lease_of(x));
  while (!held.notices.empty() && answer.notices.size() < max_notices_a_renew) {
    auto first = held.notices.begin();
    answer.notices.push_back({first->first, first->second});
    held.notices.erase(first);
  }
  return answer;
}

auto memory_directory::declare_dead(const node_id &node, incarnation inc) -> result<bool> {
  auto &x = holder_of(node, inc);
  auto now = clock_();
  if (is_live(x, now))
    return make_error(errc::lease_held);
  return bury(x.second, now);
}

auto memory_directory::release(const node_id &mine, incarnation inc) -> result<bool> {
  return bury(holder_of(mine, inc).second, clock_());
}

/// `until` stays: binds made under the lease may land until then, and the sweep has to come after them.
bool memory_directory::bury(holder &x, directory_time now) {
  if (std::exchange(x.dead, true))
    return false;
  if (x.until == 0)
    x.until = now;
  x.notices.clear();
  return true;
}

auto memory_directory::sweep(const node_id &node, incarnation inc, size_t batch) -> result<sweep_result> {
  auto found = holders_.find({node, inc});
  if (found == holders_.end() || !found->second.dead)
    return sweep_result{};
  size_t removed = 0;
  // A walk over everything: a single node never outlives its own incarnation, so there is nothing to win.
  for (auto i = devices_.begin(); i != devices_.end() && removed < batch && found->second.records > 0;) {
    if (i->second.at != &*found) {
      ++i;
      continue;
    }
    take(i->second);
    i = devices_.erase(i);
    ++removed;
  }
  if (removed < batch && clock_() >= found->second.until + sweep_margin_us)
    found->second.swept = true;
  return sweep_result{removed, removed == batch};
}

auto memory_directory::notify(const node_id &node, incarnation inc, const std::vector<notice> &words)
    -> result<bool> {
  auto &x = holder_of(node, inc).second;
  if (x.dead)
    return true;
  auto is_new = [&x](const notice &word) { return !x.notices.contains(word.device); };
  if (x.notices.size() + static_cast<size_t>(std::ranges::count_if(words, is_new)) > max_notices)
    return false;
  for (auto &word : words) {
    auto &newer = x.notices[word.device];
    newer = std::max(newer, word.newer);
  }
  return true;
}

lease memory_directory::lease_of(const holder_map::value_type &x) {
  return {x.first.first, x.first.second, x.second.until, x.second.address, x.second.draining};
}

} // namespace stentor::storage
