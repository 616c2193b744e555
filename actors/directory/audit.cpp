// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/audit.hpp"

namespace stentor::actors {

namespace {

std::optional<disagreement> judge(const storage::record &bind, hold_word held,
                                  const std::optional<route> &recorded) {
  auto is_recorded = recorded && *recorded == bind.at;
  switch (held) {
  case hold_word::in_transit:
    return std::nullopt;
  case hold_word::gone:
    return is_recorded ? std::optional{disagreement::orphan} : std::nullopt;
  case hold_word::held:
    if (is_recorded)
      return std::nullopt;
    return recorded && recorded->ep > bind.at.ep ? disagreement::elsewhere : disagreement::missing;
  }
  return std::nullopt;
}

} // namespace

void audit::look(time_point now, const storage::record &bind, hold_word held,
                 const std::optional<route> &recorded) {
  key which{bind.device, bind.at.ep};
  auto known = suspects_.find(which);
  auto found = judge(bind, held, recorded);
  if (!found) {
    if (known != suspects_.end())
      suspects_.erase(known);
    return;
  }
  if (known == suspects_.end()) {
    if (suspects_.size() < max_suspects)
      suspects_.emplace(std::move(which), suspect{*found, now, bind});
    return;
  }
  if (known->second.what != *found) {
    known->second = {*found, now, bind};
    return;
  }
  if (now - known->second.since < apart)
    return;
  ++this_round_;
  repairs_.push_back({*found, bind});
  suspects_.erase(known);
}

std::vector<storage::record> audit::due(time_point now, size_t most) const {
  std::vector<storage::record> result;
  for (auto &[which, x] : suspects_) {
    if (result.size() >= most)
      break;
    if (now - x.since >= apart)
      result.push_back(x.bind);
  }
  return result;
}

} // namespace stentor::actors
