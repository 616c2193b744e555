// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/provisional_binds.hpp"

#include <algorithm>

namespace stentor::actors {

bind_answer provisional_binds::bind(const storage::bind_request &what, storage::directory_time now) {
  auto i = table_.find(what.device);
  if (i == table_.end() && table_.size() >= most)
    return {errc::overloaded, 0, caf::none};
  auto ep = std::max(static_cast<epoch>(std::max<storage::directory_time>(now, 0)), what.floor + 1);
  bind_answer answer;
  if (i != table_.end()) {
    auto &at = i->second.at;
    if (at.inc == what.to.inc && at.session == what.to.session)
      return {errc::none, at.ep, caf::none};
    ep = std::max(ep, at.ep + 1);
    answer.previous = at;
  }
  answer.ep = ep;
  auto to = what.to;
  to.ep = ep;
  table_.insert_or_assign(what.device, held{what.account, std::move(to)});
  return answer;
}

void provisional_binds::unbind(const storage::unbind_request &what) {
  auto i = table_.find(what.device);
  if (i != table_.end() && i->second.at.ep == what.ep)
    table_.erase(i);
}

std::optional<storage::record> provisional_binds::find(const device_id &device) const {
  auto i = table_.find(device);
  if (i == table_.end())
    return {};
  return storage::record{device, i->second.account, i->second.at};
}

void provisional_binds::forget(const device_id &device, epoch up_to) {
  auto i = table_.find(device);
  if (i != table_.end() && i->second.at.ep <= up_to)
    table_.erase(i);
}

void provisional_binds::forget(incarnation inc) {
  std::erase_if(table_, [&](auto &x) { return x.second.at.inc == inc; });
}

epoch provisional_binds::floor_of(const device_id &device) const {
  auto i = table_.find(device);
  return i == table_.end() ? 0 : i->second.at.ep;
}

} // namespace stentor::actors
