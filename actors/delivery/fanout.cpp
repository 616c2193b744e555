// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/fanout.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/delivery/dispatcher.hpp"

#include <algorithm>
#include <array>

namespace stentor::actors {

namespace {

/// Worst first, as docs/protocol.md#verdicts orders them: what is unknown weighs more than what is known.
constexpr std::array order{verdict::unreachable, verdict::congested, verdict::limited, verdict::refused,
                           verdict::expired,     verdict::invalid,   verdict::offline, verdict::duplicate,
                           verdict::stored,      verdict::written,   verdict::acked};

size_t rank(verdict v) {
  return static_cast<size_t>(std::find(order.begin(), order.end(), v) - order.begin());
}

} // namespace

outcome worst_of(const std::vector<copy_verdict> &copies) {
  outcome none;
  none.what = verdict::offline;
  auto worst =
      std::min_element(copies.begin(), copies.end(), [](const copy_verdict &a, const copy_verdict &b) {
        return rank(a.result.what) < rank(b.result.what);
      });
  if (worst == copies.end())
    return none;
  auto result = worst->result;
  result.by = {}; // there is one connection a copy
  return result;
}

void fanouts::submit(envelope pattern, const account_id &account, const device_id &except,
                     const session_ref &sender) {
  auto patience = pattern.deadline - host_.now();
  auto on_listed = [this, pattern = std::move(pattern), except,
                    sender](const caf::expected<std::vector<storage::record>> &found) {
    if (found)
      send(pattern, *found, except, sender);
    else
      fail(pattern, sender);
  };
  directory_.list(account, std::move(on_listed), patience);
}

void fanouts::fail(const envelope &pattern, const session_ref &sender) {
  host_.counters().message(verdict::unreachable, pattern.by, pattern.wants);
  if (pattern.wants == want::none)
    return;
  // Without a list of devices: an empty one would mean that nobody is online.
  owed_verdict unknown;
  unknown.result.at = stage::directory;
  messages_.tell_session(sender, pattern.id, std::move(unknown));
}

void fanouts::send(const envelope &pattern, const std::vector<storage::record> &to, const device_id &except,
                   const session_ref &sender) {
  auto ticket = ++last_ticket_;
  fanout job;
  job.sender = sender;
  job.message = pattern.id;
  job.wants = pattern.wants;
  std::vector<envelope_ptr> copies;
  for (auto &record : to) {
    if (record.device == except)
      continue;
    auto copy = std::make_unique<envelope>(pattern);
    copy->id = messages_.next_id();
    copy->to = record.device;
    if (pattern.wants != want::none) {
      pending_verdict entry{asker::fanout, pattern.wants,       pattern.by,          stage::accepted, {},
                            ticket,        record.device.str(), pattern.accepted_at, pattern.deadline};
      copy->answer_to.correlation = messages_.open(std::move(entry));
      if (copy->answer_to.correlation == 0) {
        outcome full;
        full.what = verdict::congested;
        host_.counters().message(full.what, pattern.by, pattern.wants);
        job.copies.push_back({record.device.str(), full});
        continue;
      }
      ++job.missing;
    }
    copies.push_back(std::move(copy));
  }
  if (job.missing == 0)
    finish(std::move(job));
  else
    open_.emplace(ticket, std::move(job));
  for (auto &copy : copies)
    messages_.submit(std::move(copy));
}

void fanouts::on_outcome(uint64_t ticket, std::string device, const outcome &result, uint32_t total_us) {
  auto i = open_.find(ticket);
  if (i == open_.end())
    return;
  auto &job = i->second;
  job.copies.push_back({std::move(device), result});
  job.slowest_us = std::max(job.slowest_us, total_us);
  if (--job.missing > 0)
    return;
  auto done = std::move(job);
  open_.erase(i);
  finish(std::move(done));
}

void fanouts::finish(fanout done) {
  if (done.wants == want::none)
    return;
  auto result = worst_of(done.copies);
  messages_.tell_session(done.sender, done.message,
                         owed_verdict{{},
                                      std::move(result),
                                      done.slowest_us,
                                      std::make_unique<std::vector<copy_verdict>>(std::move(done.copies))});
}

} // namespace stentor::actors
