// SPDX-License-Identifier: Apache-2.0
// The devices' half: binds, lookups, accounts.
#include "storage/redis_directory.hpp"

#include "storage/redis_scripts.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace stentor::storage {

namespace {

// Each bind is two commands: the account's index first, so that it never misses a bound device.
constexpr size_t writes_a_pipeline = redis_pipeline::max_commands / 2 - 1;
constexpr size_t reads_a_pipeline = redis_pipeline::max_commands - 2;
/// Of a record whose holder is dead each time, and another one each time.
constexpr size_t most_readings = 4;

/// Devices in one partition: what a count says beyond is nonsense, and must not overflow a sum.
constexpr int64_t most_counted = 1'000'000'000'000;

/// Lua's numbers are exact up to 2^53: from this on (the year 2112) a caller's epoch is fenced, so that there
/// is room to count on.
bool is_countable(epoch ep) {
  return ep < epoch{1} << 52;
}

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
  return directory_time_from(time.at(0).text, time.at(1).text);
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

caf::error redis_directory::refusal_of(const redis_reply &reply) const {
  if (reply.is_error())
    return connection_.error_of(reply);
  auto &word = reply.at(0).text;
  return make_error(word == "fenced" ? errc::fenced : word == "stale" ? errc::stale : errc::unavailable);
}

// The index entry is written before the record, so that no bound device lacks one, and raised before the bind
// is answered if another bind of the partition came in between (docs/directory.md#account-index).
template <class Answer, class Request>
auto redis_directory::put_records(const std::vector<Request> &batch,
                                  const record_script<Answer, Request> &how) -> std::vector<result<Answer>> {
  std::vector<result<Answer>> answers;
  answers.reserve(batch.size());
  auto events = std::to_string(options_.max_events);
  std::vector<removed_record> left_accounts;
  in_pipelines(batch, writes_a_pipeline, [&](std::span<const Request> part, caf::error failure) {
    redis_pipeline work;
    for (auto &x : part) {
      auto s = slot_of(x.device);
      auto p = redis_keys::partition_of(s);
      auto until = is_countable(how.epoch_of(x)) ? x.lease_until : 0;
      index_before(work, x.account, x.device, until);
      eval(work, how.script, std::array{keys_.records(s), keys_.highest(p), keys_.events(p), keys_.count(p)},
           std::array{x.device.str(), holder_text(x.to), x.account.str(), redis_keys::hex(how.epoch_of(x)),
                      std::to_string(until), events, clock_text(), how.last_argument(x)});
    }
    // Behind the binds: before them, an incarnation could bind that the view does not know.
    if (how.wants_view)
      ask_view(work);
    auto said = failure ? caf::expected<replies>{failure} : run(work);
    if (!said) {
      answers.insert(answers.end(), part.size(), said.error());
      return said.error();
    }
    live_view view;
    if (how.wants_view)
      view = view_from((*said)[2 * part.size()], (*said)[2 * part.size() + 1]);
    overtaken_entries overtaken;
    for (size_t i = 0; i < part.size(); ++i) {
      if (!is_countable(how.epoch_of(part[i]))) {
        answers.push_back(make_error(errc::malformed, "an epoch too large to be followed by another"));
        continue;
      }
      auto &reply = (*said)[2 * i + 1];
      auto put = how.read(part[i], reply, view);
      if (put.index_entry)
        note_overtaken(overtaken, answers.size(), part[i].account, part[i].device, (*said)[2 * i],
                       reply.at(*put.index_entry));
      if (put.index_entry && put.old && put.old->account != part[i].account)
        left_accounts.emplace_back(part[i].device, std::move(*put.old));
      answers.push_back(std::move(put.answer));
    }
    auto late = raise(overtaken);
    for (auto &x : overtaken)
      if (late)
        answers[x.answer] = late;
    return late;
  });
  unindex(left_accounts);
  return answers;
}

auto redis_directory::bind(const std::vector<bind_request> &batch) -> std::vector<result<bind_result>> {
  record_script<bind_result, bind_request> how;
  how.script = redis_script::bind;
  how.wants_view = true;
  how.epoch_of = [](auto &x) { return x.floor; };
  how.last_argument = [](auto &x) { return std::to_string(x.asked_at); };
  how.read = [this](auto &, auto &reply, auto &view) -> put_record<bind_result> {
    auto ep = from_hex(reply.at(1).text);
    if (reply.at(0).text != "bound" || !ep)
      return {refusal_of(reply), {}, {}};
    bind_result bound;
    bound.ep = *ep;
    auto old = redis_record_from(reply.at(2).text);
    if (old && view.is_live(old->at))
      bound.previous = old->at;
    return {std::move(bound), 3, std::move(old)};
  };
  return put_records(batch, how);
}

auto redis_directory::restore(const std::vector<restore_request> &batch)
    -> std::vector<result<restore_result>> {
  record_script<restore_result, restore_request> how;
  how.script = redis_script::restore;
  how.epoch_of = [](auto &x) { return x.to.ep; };
  how.last_argument = [](auto &x) { return std::string{x.fresh ? "1" : "0"}; };
  how.read = [this](auto &x, auto &reply, auto &) -> put_record<restore_result> {
    auto &word = reply.at(0).text;
    auto old = redis_record_from(reply.at(1).text);
    if (word == "restored")
      return {restore_result{true, from_hex(reply.at(3).text).value_or(x.to.ep), {}}, 2, std::move(old)};
    if (word == "held" && old)
      return {restore_result{false, 0, old->at}, {}, {}};
    return {refusal_of(reply), {}, {}};
  };
  return put_records(batch, how);
}

auto redis_directory::unbind(const std::vector<unbind_request> &batch) -> std::vector<result<bool>> {
  std::vector<result<bool>> answers;
  answers.reserve(batch.size());
  auto clock = clock_text();
  auto events = std::to_string(options_.max_events);
  std::vector<removed_record> removed;
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
          removed.emplace_back(part[i].device, std::move(*old));
      } else {
        answers.push_back(refusal_of(reply));
      }
    }
    return caf::error{};
  });
  unindex(removed);
  return answers;
}

// -- lookups ----

auto redis_directory::lookup(const std::vector<device_id> &devices)
    -> std::vector<result<std::optional<record>>> {
  std::vector<result<std::optional<record>>> answers;
  answers.reserve(devices.size());
  in_pipelines(devices, reads_a_pipeline, [&](std::span<const device_id> part, caf::error failure) {
    if (!failure)
      return lookup_some(part, answers);
    answers.insert(answers.end(), part.size(), failure);
    return failure;
  });
  return answers;
}

caf::error redis_directory::lookup_some(std::span<const device_id> part,
                                        std::vector<result<std::optional<record>>> &answers) {
  auto first = answers.size();
  answers.insert(answers.end(), part.size(),
                 make_error(errc::unavailable, "a record that changes too often to be read"));
  std::vector<size_t> open(part.size());
  std::iota(open.begin(), open.end(), 0);
  std::vector<std::string> seen(part.size());
  for (size_t reading = 0; reading < most_readings && !open.empty(); ++reading) {
    redis_pipeline work;
    for (auto i : open)
      work.add({"HGET", keys_.records(slot_of(part[i])), part[i].str()});
    // The leases last: before the records, an incarnation could bind that the view does not know.
    ask_view(work);
    auto said = run(work);
    if (!said) {
      for (auto i : open)
        answers[first + i] = said.error();
      return said.error();
    }
    auto view = view_from((*said)[open.size()], (*said)[open.size() + 1]);
    std::vector<size_t> again;
    for (size_t k = 0; k < open.size(); ++k) {
      auto &reply = (*said)[k];
      auto i = open[k];
      auto &answer = answers[first + i];
      auto found = redis_record_from(reply.text);
      if (reply.is_error())
        answer = connection_.error_of(reply);
      else if (!found && !reply.is_nil())
        answer = make_error(errc::malformed, "the record of " + part[i].str() + " was not written by a node");
      else if (!found || reply.text == std::exchange(seen[i], reply.text))
        answer = std::optional<record>{};
      else if (view.is_live(found->at))
        answer = std::optional{record{part[i], std::move(found->account), std::move(found->at)}};
      else // by leases read later: another one may have taken it over in between
        again.push_back(i);
    }
    open = std::move(again);
  }
  return {};
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
    sum += std::clamp<int64_t>(from_decimal(reply.text).value_or(0), -most_counted, most_counted);
  size_ = static_cast<size_t>(std::max<int64_t>(sum, 0));
  size_read_ = now;
  return size_;
}

} // namespace stentor::storage
