// SPDX-License-Identifier: Apache-2.0
// The Redis directory's second half: leases, tombstones, sweeps, and words for incarnations.
#include "storage/redis_directory.hpp"
#include "storage/redis_scripts.hpp"

#include <algorithm>
#include <array>

namespace stentor::storage {

namespace {

/// One script's: nobody else is served while it runs.
constexpr size_t slots_a_sweep = 64;
static_assert(slot_count / redis_keys::partitions % slots_a_sweep == 0, "all of one partition");

/// An answer that is neither what the script says nor an error of the server.
caf::error nonsense() {
  return make_error(errc::unavailable, "the directory answered what no script of ours says");
}

} // namespace

// -- leases ----

auto redis_directory::renew(const lease &mine, std::chrono::milliseconds length) -> result<renew_result> {
  if (auto failure = usable())
    return failure;
  std::vector<std::string> arguments{mine.node.str(),
                                     redis_keys::hex(mine.inc),
                                     std::to_string(std::chrono::microseconds{length}.count()),
                                     mine.draining ? "1" : "0",
                                     mine.address,
                                     std::to_string(max_notices_a_renew),
                                     clock_text()};
  auto &heard = heard_[{mine.node, mine.inc}];
  for (auto &x : heard) {
    arguments.push_back(x.device.str());
    arguments.push_back(redis_keys::hex(x.newer));
  }
  redis_pipeline ask;
  eval(ask, redis_script::renew, std::array{keys_.leases(), keys_.words(mine.node, mine.inc)}, arguments);
  auto said = run(ask);
  if (!said)
    return said.error();
  auto &reply = (*said)[0];
  if (auto failure = connection_.error_of(reply))
    return failure;
  if (reply.at(0).text == "dead")
    return make_error(errc::superseded);
  if (reply.at(0).text == "held")
    return make_error(errc::lease_held);
  auto now = from_decimal(reply.at(1).text);
  auto until = from_decimal(reply.at(2).text);
  if (reply.at(0).text != "renewed" || !now || !until)
    return nonsense();
  renew_result answer;
  answer.now = *now;
  answer.until = *until;
  answer.run_id = connection_.run_id();
  answer.uptime = connection_.uptime();
  auto &leases = reply.at(3).elements;
  for (size_t i = 0; i + 1 < leases.size(); i += 2) {
    auto x = redis_lease_from(leases[i].text, leases[i + 1].text);
    if (!x)
      continue;
    if (!x->dead)
      (*now < x->at.until ? answer.view : answer.expired).push_back(std::move(x->at));
    else if (!x->swept)
      answer.unswept.push_back(std::move(x->at));
  }
  auto &words = reply.at(4).elements;
  for (size_t i = 0; i + 1 < words.size(); i += 2)
    if (auto ep = from_hex(words[i + 1].text); ep && is_valid_id(words[i].text))
      answer.notices.push_back({device_id::trusted(words[i].text), *ep});
  std::ranges::sort(answer.notices, {}, [](auto &x) { return x.device; });
  heard = answer.notices;
  return answer;
}

auto redis_directory::bury(const node_id &node, incarnation inc, bool forced) -> result<bool> {
  if (auto failure = usable())
    return failure;
  redis_pipeline ask;
  eval(ask, redis_script::bury, std::array{keys_.leases(), keys_.words(node, inc)},
       std::array{lease_field(node, inc), std::string{forced ? "1" : "0"}, clock_text()});
  auto said = run(ask);
  if (!said)
    return said.error();
  if (auto failure = connection_.error_of((*said)[0]))
    return failure;
  auto &word = (*said)[0].text;
  if (word == "held")
    return make_error(errc::lease_held);
  return word == "done";
}

auto redis_directory::declare_dead(const node_id &node, incarnation inc) -> result<bool> {
  return bury(node, inc, false);
}

auto redis_directory::release(const node_id &mine, incarnation inc) -> result<bool> {
  return bury(mine, inc, true);
}

auto redis_directory::notify(const node_id &node, incarnation inc, const std::vector<notice> &words)
    -> result<bool> {
  if (words.empty())
    return true;
  if (auto failure = usable())
    return failure;
  std::vector<std::string> arguments{lease_field(node, inc), std::to_string(max_notices)};
  for (auto &x : words) {
    arguments.push_back(x.device.str());
    arguments.push_back(redis_keys::hex(x.newer));
  }
  redis_pipeline ask;
  eval(ask, redis_script::notify, std::array{keys_.leases(), keys_.words(node, inc)}, arguments);
  auto said = run(ask);
  if (!said)
    return said.error();
  if (auto failure = connection_.error_of((*said)[0]))
    return failure;
  return (*said)[0].integer == 1;
}

// -- sweeps ----

caf::error redis_directory::sweep_slots(const node_id &node, incarnation inc, size_t first, size_t most,
                                        std::vector<removed_record> &removed) {
  auto p = redis_keys::partition_of(static_cast<slot>(first));
  std::vector<std::string> names{keys_.events(p), keys_.count(p)};
  for (size_t s = first; s < first + slots_a_sweep; ++s)
    names.push_back(keys_.records(static_cast<slot>(s)));
  redis_pipeline work;
  eval(work, redis_script::sweep, names,
       std::array{redis_keys::digits(inc), std::to_string(most), node.str(),
                  std::to_string(options_.max_events)});
  auto said = run(work);
  if (!said)
    return said.error();
  auto &reply = (*said)[0];
  if (auto failure = connection_.error_of(reply))
    return failure;
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2)
    if (auto old = redis_record_from(reply.at(i + 1).text); old && is_valid_id(reply.at(i).text))
      removed.emplace_back(device_id::trusted(reply.at(i).text), std::move(*old));
  return {};
}

auto redis_directory::sweep(const node_id &node, incarnation inc, size_t batch) -> result<size_t> {
  if (auto failure = usable())
    return failure;
  auto field = lease_field(node, inc);
  auto began = clock_text();
  redis_pipeline ask;
  ask.add({"HGET", keys_.leases(), field});
  ask.add({"TIME"});
  auto said = run(ask);
  if (!said)
    return said.error();
  if (auto failure = connection_.error_of((*said)[0]))
    return failure;
  if (began.empty())
    began = std::to_string(time_from((*said)[1]));
  auto known = redis_lease_from(field, (*said)[0].text);
  if (!known || !known->dead || batch == 0)
    return size_t{0};
  std::vector<removed_record> removed;
  auto &at = sweeps_[{node, inc}];
  // Once around all slots, from where the last batch ended.
  for (size_t looked_at = 0; looked_at < slot_count && removed.size() < batch;) {
    auto before = removed.size();
    if (auto failure = sweep_slots(node, inc, at, batch - before, removed))
      return failure;
    if (removed.size() < batch) { // nothing left in these
      at = (at + slots_a_sweep) % slot_count;
      looked_at += slots_a_sweep;
    }
  }
  unindex(removed);
  if (removed.size() < batch) {
    redis_pipeline done;
    // By the time at which this began: what landed since then, in a slot that was looked at before, counts.
    eval(done, redis_script::swept, std::array{keys_.leases()}, std::array{field, began});
    auto marked = run(done);
    if (marked && (*marked)[0].integer == 1)
      sweeps_.erase({node, inc});
  }
  return removed.size();
}

} // namespace stentor::storage
