// SPDX-License-Identifier: Apache-2.0
// The devices' half: binds, lookups, accounts.
#include "storage/redis_directory.hpp"

#include "storage/redis_scripts.hpp"

#include <algorithm>

namespace stentor::storage {

namespace {

// Each bind is two commands: the account's index first, so that it never misses a bound device.
constexpr size_t writes_a_pipeline = redis_pipeline::max_commands / 2 - 1;
constexpr size_t reads_a_pipeline = redis_pipeline::max_commands - 2;

} // namespace

redis_directory::redis_directory(redis_options options)
    : options_{std::move(options)}, keys_{options_.cluster}, connection_{options_.where, options_.limits,
                                                                         redis_scripts} {}

redis_directory::~redis_directory() = default;

std::unique_ptr<directory> make_redis_directory(redis_options options) {
  return std::make_unique<redis_directory>(std::move(options));
}

// -- talking to the store ----

std::string redis_directory::clock_text() const {
  return options_.clock ? std::to_string(options_.clock()) : std::string{};
}

void redis_directory::eval(redis_pipeline &to, redis_script script, std::span<const std::string> keys,
                           std::span<const std::string> arguments) {
  to.eval(connection_.sha(static_cast<size_t>(script)), keys, arguments);
}

caf::expected<redis_directory::replies> redis_directory::run(const redis_pipeline &commands) {
  return connection_.run(commands);
}

void redis_directory::ask_view(redis_pipeline &to) const {
  to.add({"HGETALL", keys_.leases()});
  to.add({"TIME"});
}

directory_time redis_directory::time_from(const redis_reply &time) const {
  if (options_.clock)
    return options_.clock();
  return from_decimal(time.at(0).text).value_or(0) * 1'000'000 + from_decimal(time.at(1).text).value_or(0);
}

redis_directory::live_view redis_directory::view_from(const redis_reply &leases,
                                                      const redis_reply &time) const {
  live_view view;
  view.now = time_from(time);
  for (size_t i = 0; i + 1 < leases.elements.size(); i += 2)
    if (auto x = redis_lease_from(leases.at(i).text, leases.at(i + 1).text))
      view.known.insert_or_assign({x->at.node, x->at.inc}, *x);
  return view;
}

bool redis_directory::live_view::is_live(const route &at) const {
  auto i = known.find({at.node, at.inc});
  return i != known.end() && !i->second.dead && now < i->second.at.until;
}

bool redis_directory::live_view::is_over(std::string_view holder) const {
  auto at = route_from(holder);
  if (!at)
    return true;
  auto i = known.find({at->node, at->inc});
  // Without a lease of it: it was forgotten a day after its sweep, or a lost store has not heard of it again.
  return i != known.end() && i->second.dead && now >= i->second.at.until + 1'000'000;
}

template <class Request, class One>
void redis_directory::in_pipelines(const std::vector<Request> &batch, size_t most, One one) {
  auto failure = usable();
  for (size_t first = 0; first < batch.size(); first += most) {
    std::span part{batch.data() + first, std::min(most, batch.size() - first)};
    auto unknown = one(part, failure);
    if (!failure && unknown) // what comes behind is not sent any more, which is known
      failure = make_error(errc::unavailable, render(unknown));
  }
}

caf::error redis_directory::usable() {
  auto failure = connection_.ready();
  return failure == errc::config ? make_error(errc::unavailable, render(failure)) : failure;
}

// -- binds ----

auto redis_directory::bind(const std::vector<bind_request> &batch) -> std::vector<result<bind_result>> {
  std::vector<result<bind_result>> answers;
  answers.reserve(batch.size());
  auto clock = clock_text();
  auto events = std::to_string(options_.max_events);
  std::vector<std::pair<std::string, redis_record>> left_accounts;
  in_pipelines(batch, writes_a_pipeline, [&](std::span<const bind_request> part, caf::error failure) {
    redis_pipeline work;
    ask_view(work);
    for (auto &x : part) {
      auto s = slot_of(x.device);
      auto p = redis_keys::partition_of(s);
      auto holder = holder_text(x.to);
      work.add({"HSET", keys_.account(x.account), x.device.str(), holder});
      eval(work, redis_script::bind,
           std::array{keys_.records(s), keys_.highest(p), keys_.events(p), keys_.count(p)},
           std::array{x.device.str(), holder, x.account.str(), redis_keys::hex(x.floor),
                      std::to_string(x.lease_until), events, clock});
    }
    auto said = failure ? caf::expected<replies>{failure} : run(work);
    if (!said) {
      answers.insert(answers.end(), part.size(), said.error());
      return said.error();
    }
    auto view = view_from((*said)[0], (*said)[1]);
    for (size_t i = 0; i < part.size(); ++i) {
      auto &reply = (*said)[2 + 2 * i + 1];
      auto ep = from_hex(reply.at(1).text);
      if (reply.at(0).text == "bound" && ep) {
        bind_result bound;
        bound.ep = *ep;
        if (auto old = redis_record_from(reply.at(2).text)) {
          if (view.is_live(old->at))
            bound.previous = old->at;
          if (old->account != part[i].account)
            left_accounts.emplace_back(part[i].device.str(), std::move(*old));
        }
        answers.push_back(std::move(bound));
      } else if (reply.at(0).text == "fenced") {
        answers.push_back(make_error(errc::fenced));
      } else {
        answers.push_back(reply.is_error() ? connection_.error_of(reply) : make_error(errc::unavailable));
      }
    }
    return caf::error{};
  });
  unindex(left_accounts);
  return answers;
}

auto redis_directory::restore(const std::vector<restore_request> &batch)
    -> std::vector<result<restore_result>> {
  std::vector<result<restore_result>> answers;
  answers.reserve(batch.size());
  auto clock = clock_text();
  auto events = std::to_string(options_.max_events);
  in_pipelines(batch, writes_a_pipeline, [&](std::span<const restore_request> part, caf::error failure) {
    redis_pipeline work;
    for (auto &x : part) {
      auto s = slot_of(x.device);
      auto p = redis_keys::partition_of(s);
      auto holder = holder_text(x.to);
      work.add({"HSET", keys_.account(x.account), x.device.str(), holder});
      eval(work, redis_script::restore,
           std::array{keys_.records(s), keys_.highest(p), keys_.events(p), keys_.count(p)},
           std::array{x.device.str(), holder, x.account.str(), redis_keys::hex(x.to.ep),
                      std::to_string(x.lease_until), events, clock});
    }
    auto said = failure ? caf::expected<replies>{failure} : run(work);
    if (!said) {
      answers.insert(answers.end(), part.size(), said.error());
      return said.error();
    }
    // Where somebody else holds the device, the index must not name us.
    redis_pipeline mend;
    for (size_t i = 0; i < part.size(); ++i) {
      auto &reply = (*said)[2 * i + 1];
      auto &word = reply.at(0).text;
      auto old = redis_record_from(reply.at(1).text);
      if (word == "restored") {
        answers.push_back(restore_result{true, {}});
      } else if (word == "held" && old) {
        answers.push_back(restore_result{false, old->at});
        mend.add({"HSET", keys_.account(old->account), part[i].device.str(), old->holder});
      } else if (word == "fenced") {
        answers.push_back(make_error(errc::fenced));
      } else {
        answers.push_back(reply.is_error() ? connection_.error_of(reply) : make_error(errc::unavailable));
      }
    }
    if (!mend.empty())
      (void)run(mend);
    return caf::error{};
  });
  return answers;
}

auto redis_directory::unbind(const std::vector<unbind_request> &batch) -> std::vector<result<bool>> {
  std::vector<result<bool>> answers;
  answers.reserve(batch.size());
  auto clock = clock_text();
  auto events = std::to_string(options_.max_events);
  std::vector<std::pair<std::string, redis_record>> removed;
  in_pipelines(batch, reads_a_pipeline, [&](std::span<const unbind_request> part, caf::error failure) {
    redis_pipeline work;
    for (auto &x : part) {
      auto s = slot_of(x.device);
      auto p = redis_keys::partition_of(s);
      eval(work, redis_script::unbind, std::array{keys_.records(s), keys_.events(p), keys_.count(p)},
           std::array{x.device.str(), redis_keys::hex(x.ep), std::to_string(x.lease_until), events, clock});
    }
    auto said = failure ? caf::expected<replies>{failure} : run(work);
    if (!said) {
      answers.insert(answers.end(), part.size(), said.error());
      return said.error();
    }
    for (size_t i = 0; i < part.size(); ++i) {
      auto &reply = (*said)[i];
      auto &word = reply.at(0).text;
      if (word == "removed" || word == "kept") {
        answers.push_back(word == "removed");
        if (auto old = redis_record_from(reply.at(1).text))
          removed.emplace_back(part[i].device.str(), std::move(*old));
      } else if (word == "fenced") {
        answers.push_back(make_error(errc::fenced));
      } else {
        answers.push_back(reply.is_error() ? connection_.error_of(reply) : make_error(errc::unavailable));
      }
    }
    return caf::error{};
  });
  unindex(removed);
  return answers;
}

void redis_directory::unindex(const std::vector<std::pair<std::string, redis_record>> &removed) {
  for (size_t first = 0; first < removed.size(); first += redis_pipeline::max_commands) {
    redis_pipeline work;
    for (size_t i = first; i < std::min(first + redis_pipeline::max_commands, removed.size()); ++i)
      eval(work, redis_script::unindex, std::array{keys_.account(removed[i].second.account)},
           std::array{removed[i].first, removed[i].second.holder});
    // What stays is found and mended by whoever reads the account.
    if (!run(work))
      return;
  }
}

// -- lookups ----

auto redis_directory::lookup(const std::vector<device_id> &devices)
    -> std::vector<result<std::optional<record>>> {
  std::vector<result<std::optional<record>>> answers;
  answers.reserve(devices.size());
  in_pipelines(devices, reads_a_pipeline, [&](std::span<const device_id> part, caf::error failure) {
    redis_pipeline work;
    for (auto &device : part)
      work.add({"HGET", keys_.records(slot_of(device)), device.str()});
    // The leases last: a record read first is judged by what held then, or later.
    ask_view(work);
    auto said = failure ? caf::expected<replies>{failure} : run(work);
    if (!said) {
      answers.insert(answers.end(), part.size(), said.error());
      return said.error();
    }
    auto view = view_from((*said)[part.size()], (*said)[part.size() + 1]);
    for (size_t i = 0; i < part.size(); ++i) {
      auto &reply = (*said)[i];
      if (reply.is_error()) {
        answers.push_back(connection_.error_of(reply));
        continue;
      }
      auto found = redis_record_from(reply.text);
      if (!found && !reply.is_nil())
        answers.push_back(make_error(errc::malformed, "the record of " + part[i].str() + " is none of ours"));
      else if (found && view.is_live(found->at))
        answers.push_back(std::optional{record{part[i], found->account, found->at}});
      else
        answers.push_back(std::optional<record>{});
    }
    return caf::error{};
  });
  return answers;
}

auto redis_directory::devices_of(const account_id &account) -> result<std::vector<record>> {
  if (auto failure = usable())
    return failure;
  redis_pipeline ask;
  ask.add({"HGETALL", keys_.account(account)});
  ask_view(ask);
  auto index = run(ask);
  if (!index)
    return index.error();
  if (auto failure = connection_.error_of((*index)[0]))
    return failure;
  auto view = view_from((*index)[1], (*index)[2]);
  std::vector<device_id> names;
  std::vector<std::string> holders;
  auto &entries = (*index)[0].elements;
  for (size_t i = 0; i + 1 < entries.size(); i += 2)
    if (is_valid_id(entries[i].text)) {
      names.push_back(device_id::trusted(entries[i].text));
      holders.push_back(entries[i + 1].text);
    }
  std::vector<record> found;
  redis_pipeline mend;
  auto answers = lookup(names);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i])
      return answers[i].error();
    auto &x = *answers[i];
    if (x && x->account == account)
      found.push_back(std::move(*x));
    else if (view.is_over(holders[i]) && mend.size() < redis_pipeline::max_commands)
      // Nobody can be about to write the record that this entry announced.
      eval(mend, redis_script::unindex, std::array{keys_.account(account)},
           std::array{names[i].str(), holders[i]});
  }
  if (!mend.empty())
    (void)run(mend);
  std::ranges::sort(found, {}, [](auto &x) { return x.device; });
  return found;
}

auto redis_directory::size() -> result<size_t> {
  auto now = std::chrono::steady_clock::now();
  if (size_read_ != std::chrono::steady_clock::time_point{} && now - size_read_ < std::chrono::seconds{1})
    return size_;
  if (auto failure = usable())
    return failure;
  redis_pipeline ask;
  for (size_t p = 0; p < redis_keys::partitions; ++p)
    ask.add({"GET", keys_.count(p)});
  auto said = run(ask);
  if (!said)
    return said.error();
  int64_t sum = 0;
  for (auto &reply : *said)
    sum += from_decimal(reply.text).value_or(0);
  size_ = static_cast<size_t>(std::max<int64_t>(sum, 0));
  size_read_ = now;
  return size_;
}

} // namespace stentor::storage
