// SPDX-License-Identifier: Apache-2.0
// The Redis directory's account index: which devices an account may have. It lies under other tags than the
// records, so no script sees both: docs/directory.md#account-index has the rules by which it is late to
// forget and never misses a bound device.
#include "storage/redis_directory.hpp"
#include "storage/redis_scripts.hpp"

#include <algorithm>
#include <array>

namespace stentor::storage {

namespace {

/// A record lands within its writer's lease (5 s) behind its entry, or is refused.
constexpr directory_time age_of_a_stray = 15 * 1'000'000;
constexpr size_t strays_a_reading = 127;
constexpr directory_time age_of_a_reading = 5 * 1'000'000;

} // namespace

// -- writing ----

void redis_directory::index_before(redis_pipeline &to, const account_id &account, const device_id &device,
                                   directory_time lease_until) {
  eval(to, redis_script::index_add, std::array{keys_.account(account)},
       std::array{device.str(), std::to_string(lease_until), clock_text()});
}

void redis_directory::note_overtaken(overtaken_entries &to, size_t answer, const account_id &account,
                                     const device_id &device, const redis_reply &entry,
                                     const redis_reply &highest) {
  auto given = from_hex(highest.text).value_or(0);
  auto number = from_decimal(entry.text).value_or(0);
  if (number <= 0 || static_cast<epoch>(number) <= given)
    to.push_back({answer, account, device, given + 1});
}

caf::error redis_directory::raise(const overtaken_entries &entries) {
  if (entries.empty())
    return {};
  redis_pipeline work;
  for (auto &x : entries)
    eval(work, redis_script::index_raise, std::array{keys_.account(x.account)},
         std::array{x.device.str(), std::to_string(x.least)});
  auto said = run(work);
  // The records are written, their entries not: nobody may be told that nothing was done, and repeating it
  // mends it.
  if (!said)
    return make_error(errc::timed_out, render(said.error()));
  for (auto &reply : *said)
    if (auto failure = connection_.error_of(reply))
      return make_error(errc::timed_out, render(failure));
  return {};
}

void redis_directory::unindex(const std::vector<removed_record> &removed) {
  for (size_t first = 0; first < removed.size(); first += redis_pipeline::max_commands) {
    std::span part{removed.data() + first, std::min(redis_pipeline::max_commands, removed.size() - first)};
    redis_pipeline work;
    for (auto &[device, old] : part)
      eval(work, redis_script::index_drop, std::array{keys_.account(old.account)},
           std::array{device.str(), std::to_string(old.at.ep)});
    // What stays is found and repaired by whoever reads the account.
    auto said = run(work);
    if (!said)
      return;
    std::vector<stray_entry> newer; // of a restored or repeated bind, unless another one has come
    for (size_t i = 0; i < part.size(); ++i)
      if (!(*said)[i].is_error() && (*said)[i].text != "0")
        newer.push_back({part[i].second.account, part[i].first, (*said)[i].text});
    repair(newer);
  }
}

// -- reading ----

auto redis_directory::devices_of(const account_id &account) -> result<std::vector<record>> {
  if (auto failure = usable())
    return failure;
  redis_pipeline ask;
  ask.add({"HGETALL", keys_.account(account)});
  auto index = run(ask);
  if (!index)
    return index.error();
  auto &entries = (*index)[0];
  if (auto failure = connection_.error_of(entries))
    return failure;
  std::vector<device_id> names;
  std::vector<std::string> numbers;
  for (size_t i = 0; i + 1 < entries.elements.size(); i += 2)
    if (is_valid_id(entries.at(i).text)) {
      names.push_back(device_id::trusted(entries.at(i).text));
      numbers.push_back(entries.at(i + 1).text);
    }
  std::vector<record> found;
  std::vector<stray_entry> strays;
  auto answers = lookup(names);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i])
      return answers[i].error();
    auto &x = *answers[i];
    if (x && x->account == account)
      found.push_back(std::move(*x));
    else
      strays.push_back({account, std::move(names[i]), std::move(numbers[i])});
  }
  // A few a reading: the rest stays for the next one.
  repair(std::span{strays}.first(std::min(strays.size(), strays_a_reading)));
  std::ranges::sort(found, {}, [](auto &x) { return x.device; });
  return found;
}

void redis_directory::repair(std::span<const stray_entry> entries) {
  if (entries.empty())
    return;
  // The records themselves: one whose node holds no lease just now stays, and so does its entry.
  for (size_t first = 0; first < entries.size(); first += redis_pipeline::max_commands - 1) {
    auto part = entries.subspan(first, std::min(redis_pipeline::max_commands - 1, entries.size() - first));
    redis_pipeline ask;
    ask.add({"TIME"}); // before the records: what is known of them may be older, not younger
    for (auto &x : part)
      ask.add({"HGET", keys_.records(slot_of(x.device)), x.device.str()});
    auto said = run(ask);
    if (!said)
      return;
    auto now = time_from((*said)[0]);
    redis_pipeline work;
    for (size_t i = 0; i < part.size(); ++i) {
      auto &reply = (*said)[1 + i];
      auto held = redis_record_from(reply.text);
      auto is_stray = reply.is_nil() || (held && held->account != part[i].account);
      if (is_stray && from_decimal(part[i].number).value_or(0) <= now - age_of_a_stray)
        eval(work, redis_script::index_repair, std::array{keys_.account(part[i].account)},
             std::array{part[i].device.str(), part[i].number, std::to_string(age_of_a_stray),
                        std::to_string(now + age_of_a_reading), clock_text()});
    }
    if (!work.empty() && !run(work))
      return;
  }
}

} // namespace stentor::storage
