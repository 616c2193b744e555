// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_directory.hpp"

#include <algorithm>
#include <atomic>

namespace stentor::storage {

namespace {

/// Another one for each directory of each process.
std::string make_run_id() {
  static std::atomic<uint64_t> count{0};
  return "memory-" + std::to_string(wall_directory_time()) + "-" + std::to_string(++count);
}

} // namespace

directory_time wall_directory_time() noexcept {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

memory_directory::memory_directory(directory_clock clock, size_t max_events)
    : clock_{std::move(clock)}, run_id_{make_run_id()}, events_{max_events} {}

memory_directory::~memory_directory() = default;

// -- devices ----

template <class Answer, class Request, class One>
auto memory_directory::write(const std::vector<Request> &batch, One one) -> std::vector<result<Answer>> {
  auto now = clock_();
  std::vector<result<Answer>> results;
  results.reserve(batch.size());
  for (auto &x : batch) {
    if (now >= x.lease_until)
      results.emplace_back(make_error(errc::fenced));
    else
      results.push_back(one(x, now));
  }
  return results;
}

auto memory_directory::bind(const std::vector<bind_request> &batch) -> std::vector<result<bind_result>> {
  return write<bind_result>(batch, [this](auto &x, auto now) -> result<bind_result> {
    auto [where, is_new] = devices_.try_emplace(x.device);
    auto &held = where->second;
    bind_result answer;
    if (!is_new) {
      auto &[node, inc] = held.at->first;
      if (inc == x.to.inc && held.session == x.to.session && node == x.to.node) {
        answer.ep = held.ep;
        return answer;
      }
      if (x.asked_at != 0 && held.ep > static_cast<epoch>(x.asked_at))
        return make_error(errc::stale);
      if (is_live(*held.at, now))
        answer.previous = route_of(held);
    }
    answer.ep = fresh_epoch(x.floor, now);
    put(where, x.account, x.to, answer.ep);
    return answer;
  });
}

epoch memory_directory::fresh_epoch(epoch floor, directory_time now) const {
  return std::max(std::max(highest_, floor) + 1, static_cast<epoch>(std::max<directory_time>(now, 0)));
}

auto memory_directory::restore(const std::vector<restore_request> &batch)
    -> std::vector<result<restore_result>> {
  return write<restore_result>(batch, [this](auto &x, auto now) -> result<restore_result> {
    auto [where, is_new] = devices_.try_emplace(x.device);
    restore_result answer;
    if (is_new || where->second.ep < x.to.ep) {
      answer.restored = true;
      answer.ep = x.fresh ? fresh_epoch(x.to.ep, now) : x.to.ep;
      put(where, x.account, x.to, answer.ep);
    } else if (auto held = route_of(where->second); held == x.to) {
      answer.restored = true; // a repetition
      answer.ep = x.to.ep;
    } else {
      answer.holder = std::move(held);
    }
    return answer;
  });
}

auto memory_directory::unbind(const std::vector<unbind_request> &batch) -> std::vector<result<bool>> {
  return write<bool>(batch, [this](auto &x, auto) -> result<bool> {
    auto where = devices_.find(x.device);
    auto is_mine = where != devices_.end() && where->second.ep == x.ep;
    if (is_mine) {
      take(where->second);
      devices_.erase(where);
    }
    return is_mine;
  });
}

auto memory_directory::lookup(const std::vector<device_id> &devices)
    -> std::vector<result<std::optional<record>>> {
  auto now = clock_();
  std::vector<result<std::optional<record>>> results;
  results.reserve(devices.size());
  for (auto &x : devices) {
    auto where = devices_.find(x);
    if (where != devices_.end() && is_live(*where->second.at, now))
      results.emplace_back(std::optional<record>{record_of(where->second)});
    else
      results.emplace_back(std::optional<record>{});
  }
  return results;
}

auto memory_directory::devices_of(const account_id &account) -> result<std::vector<record>> {
  auto now = clock_();
  std::vector<record> found;
  auto where = accounts_.find(account);
  if (where == accounts_.end())
    return found;
  for (auto x = where->second.first; x != nullptr; x = x->next)
    if (is_live(*x->at, now))
      found.push_back(record_of(*x));
  std::sort(found.begin(), found.end(), [](auto &a, auto &b) { return a.device < b.device; });
  return found;
}

auto memory_directory::records_in(slot first, size_t count) -> result<std::vector<record>> {
  std::vector<record> found;
  for (auto &[device, x] : devices_)
    if (auto s = slot_of(device);
        s >= first && s - first < static_cast<ptrdiff_t>(std::min(count, slot_count)))
      found.push_back(record_of(x));
  return found;
}

auto memory_directory::events_after(std::string &cursor, size_t most) -> result<std::vector<event>> {
  return events_.read(cursor, most);
}

auto memory_directory::size() -> result<size_t> {
  return devices_.size();
}

// -- records ----

bool memory_directory::is_live(const holder_map::value_type &x, directory_time now) noexcept {
  return !x.second.dead && now < x.second.until;
}

route memory_directory::route_of(const entry &x) {
  return {x.at->first.first, x.at->first.second, x.session, x.ep};
}

record memory_directory::record_of(const entry &x) {
  return {*x.device, x.owner->first, route_of(x)};
}

memory_directory::holder_map::value_type &memory_directory::holder_of(const node_id &node, incarnation inc) {
  auto key = std::pair{node, inc};
  if (auto found = holders_.find(key); found != holders_.end())
    return *found;
  if (holders_.size() >= max_incarnations)
    forget_one_incarnation();
  return *holders_.try_emplace(std::move(key)).first;
}

void memory_directory::forget_one_incarnation() {
  auto now = clock_();
  auto oldest = holders_.end();
  for (auto i = holders_.begin(); i != holders_.end(); ++i)
    if (i->second.records == 0 && !is_live(*i, now))
      if (oldest == holders_.end() || i->second.until < oldest->second.until)
        oldest = i;
  if (oldest != holders_.end())
    holders_.erase(oldest);
}

/// Makes `where` the record of `to`, with the events of the old record's end and the new one's start.
void memory_directory::put(device_map::iterator where, const account_id &account, const route &to, epoch ep) {
  auto &x = where->second;
  if (x.at != nullptr)
    take(x);
  x.device = &where->first;
  x.at = &holder_of(to.node, to.inc);
  ++x.at->second.records;
  x.session = to.session;
  x.ep = ep;
  link(x, account);
  highest_ = std::max(highest_, ep);
  events_.append(event_kind::online, where->first, account, ep);
}

/// Ends what `x` says; the caller fills it anew or erases it.
void memory_directory::take(entry &x) {
  events_.append(event_kind::offline, *x.device, x.owner->first, x.ep);
  --x.at->second.records;
  x.at = nullptr;
  unlink(x);
}

void memory_directory::link(entry &x, const account_id &account) {
  x.owner = &*accounts_.try_emplace(account).first;
  auto &first = x.owner->second.first;
  x.previous = nullptr;
  x.next = first;
  if (first != nullptr)
    first->previous = &x;
  first = &x;
}

void memory_directory::unlink(entry &x) {
  (x.previous != nullptr ? x.previous->next : x.owner->second.first) = x.next;
  if (x.next != nullptr)
    x.next->previous = x.previous;
  if (x.owner->second.first == nullptr)
    accounts_.erase(accounts_.find(x.owner->first));
  x.owner = nullptr;
}

} // namespace stentor::storage
