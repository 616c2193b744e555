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
/// One pipeline's. Redis reads 16 KB of commands at a time, which is about as many: others are served after
/// that.
constexpr size_t sweeps_a_pipeline = 8;
static_assert(slot_count / redis_keys::partitions % slots_a_sweep == 0, "all of one partition");

/// An answer that is neither what the script says nor an error of the server.
caf::error nonsense() {
  return make_error(errc::unavailable, "the directory returned a result that no script has");
}

} // namespace

// -- leases ----

// The notices of the last answer are removed by this call and not by the one that returned them: if an answer
// is lost, its notices come again. Entries that do not parse are skipped, since one bad entry must not cost a
// node its lease.
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
  auto now = directory_time_from(reply.at(1).text);
  auto until = directory_time_from(reply.at(2).text);
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

caf::error redis_directory::sweep_some(const node_id &node, incarnation inc, size_t most, sweep_walk &walk,
                                       std::vector<removed_record> &removed) {
  auto scripts = std::min({sweeps_a_pipeline, most, (slot_count - walk.done) / slots_a_sweep});
  auto share = most / scripts;
  redis_pipeline work;
  for (size_t i = 0; i < scripts; ++i) {
    auto first = (walk.at + i * slots_a_sweep) % slot_count;
    auto p = redis_keys::partition_of(static_cast<slot>(first));
    std::vector<std::string> names{keys_.events(p), keys_.count(p)};
    for (size_t s = first; s < first + slots_a_sweep; ++s)
      names.push_back(keys_.records(static_cast<slot>(s)));
    eval(work, redis_script::sweep, names,
         std::array{redis_keys::digits(inc), std::to_string(share), node.str(),
                    std::to_string(options_.max_events)});
  }
  auto said = run(work);
  if (!said)
    return said.error();
  caf::error failure;
  auto goes_on = true;
  for (auto &reply : *said) {
    if (reply.is_error() && !failure)
      failure = connection_.error_of(reply);
    auto &found = reply.elements;
    for (size_t i = 0; i + 1 < found.size(); i += 2)
      if (auto old = redis_record_from(found[i + 1].text); old && is_valid_id(found[i].text))
        removed.emplace_back(device_id::trusted(found[i].text), std::move(*old));
    // Behind slots in which something may be left, the others are looked at again.
    goes_on = goes_on && !reply.is_error() && found.size() / 2 < share;
    if (goes_on) {
      walk.at = (walk.at + slots_a_sweep) % slot_count;
      walk.done += slots_a_sweep;
    }
  }
  return failure;
}

// A call does a part of the walk and keeps its place, so that the caller's other requests need not wait for
// 4,096 slots. A tombstone with another time belongs to another death: its walk has to see all slots again.
auto redis_directory::sweep(const node_id &node, incarnation inc, size_t batch) -> result<sweep_result> {
  if (auto failure = usable())
    return failure;
  auto enough = std::chrono::steady_clock::now() + options_.sweep_time;
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
    return sweep_result{};
  auto &walk = sweeps_[{node, inc}];
  if (walk.until != known->at.until)
    walk = {walk.at, 0, {}, known->at.until};
  if (walk.done == 0)
    walk.began = began;
  std::vector<removed_record> removed;
  caf::error failure;
  do
    failure = sweep_some(node, inc, batch - removed.size(), walk, removed);
  while (!failure && removed.size() < batch && walk.done < slot_count &&
         std::chrono::steady_clock::now() < enough);
  unindex(removed);
  if (failure)
    return failure;
  if (walk.done < slot_count)
    return sweep_result{removed.size(), true};
  walk.done = 0;
  redis_pipeline done;
  // By the time at which the walk began: what landed since then, in a slot that was looked at before, counts.
  eval(done, redis_script::swept, std::array{keys_.leases()}, std::array{field, walk.began});
  auto marked = run(done);
  if (marked && (*marked)[0].integer == 1)
    sweeps_.erase({node, inc});
  return sweep_result{removed.size(), false};
}

} // namespace stentor::storage
