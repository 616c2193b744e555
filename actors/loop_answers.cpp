// SPDX-License-Identifier: Apache-2.0
#include "actors/loop_answers.hpp"

#include "actors/loop.hpp"
#include "actors/loop_parts.hpp"

#include <algorithm>
#include <unordered_set>

namespace stentor::actors {

namespace {

constexpr uint64_t most_cells = 1024;

std::vector<session_info> sessions_of(loop &host, const device_id &device) {
  std::vector<session_info> found;
  host.parts().sessions.for_each([&](session_port &who) {
    if (who.held().device == device)
      found.push_back(who.info());
  });
  return found;
}

session_sample sample(loop &host, uint64_t from, uint32_t most) {
  auto &all = host.parts().sessions;
  auto &ctx = host.context();
  session_sample result;
  auto end = std::min<uint64_t>(all.cells(), from + std::clamp<uint64_t>(most, 1, most_cells));
  for (auto i = from; i < end; ++i)
    if (auto *who = all.at(i))
      if (auto held = who->held(); held.is_bound())
        result.held.push_back({held.device, held.account, {ctx.id, ctx.inc, held.ref, held.ep}});
  result.next = end < all.cells() ? end : 0;
  return result;
}

std::vector<hold_answer> held(loop &host, const std::vector<storage::record> &records) {
  std::vector<hold_answer> words;
  words.reserve(records.size());
  for (auto &x : records) {
    auto *who = host.parts().sessions.find(x.at.session);
    words.push_back({who && who->held().device == x.device ? who->held().holds(x.at.ep) : hold_word::gone});
  }
  return words;
}

uint64_t repair(loop &host, const std::vector<storage::record> &records) {
  std::vector<session_ref> who;
  for (auto &x : records)
    who.push_back(x.at.session);
  host.parts().directory.restores().put_back(who);
  return who.size();
}

uint64_t repair(loop &host, const std::vector<device_id> &devices) {
  std::unordered_set<device_id> concerned{devices.begin(), devices.end()};
  std::vector<session_ref> who;
  host.parts().sessions.for_each([&](session_port &x) {
    if (auto held = x.held(); held.is_bound() && concerned.contains(held.device))
      who.push_back(held.ref);
  });
  if (!who.empty())
    host.parts().directory.restores().put_back(who);
  return who.size();
}

} // namespace

std::optional<caf::message> answer_of(loop &host, caf::type_erased_tuple &question) {
  if (question.match_elements<sessions_atom, device_id>())
    return caf::make_message(sessions_of(host, question.get_as<device_id>(1)));
  if (question.match_elements<finish_atom>()) {
    host.finish_messages();
    return caf::make_message(true);
  }
  if (question.match_elements<count_atom>())
    return caf::make_message(loop_info{host.counters().connections(), host.parts().sessions.size()});
  if (question.match_elements<sample_atom, uint64_t, uint32_t>())
    return caf::make_message(sample(host, question.get_as<uint64_t>(1), question.get_as<uint32_t>(2)));
  if (question.match_elements<held_atom, std::vector<storage::record>>())
    return caf::make_message(held(host, question.get_as<std::vector<storage::record>>(1)));
  if (question.match_elements<repair_atom, std::vector<storage::record>>())
    return caf::make_message(repair(host, question.get_as<std::vector<storage::record>>(1)));
  if (question.match_elements<repair_atom, std::vector<device_id>>())
    return caf::make_message(repair(host, question.get_as<std::vector<device_id>>(1)));
  return std::nullopt;
}

} // namespace stentor::actors
