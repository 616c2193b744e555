// SPDX-License-Identifier: Apache-2.0
// What the directory's contract and its random schedules share: short names for requests and answers. The
// provider is described in directory_contract.hpp.
#pragma once

#include "storage/directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace stentor::storage::test {

using namespace std::chrono_literals;

inline constexpr int64_t second_us = 1'000'000;

inline device_id device(std::string name) {
  return device_id::trusted(std::move(name));
}
inline account_id account(std::string name) {
  return account_id::trusted(std::move(name));
}
inline route at(std::string node, incarnation inc, uint64_t generation, epoch ep = 0) {
  return {node_id::trusted(std::move(node)), inc, {0, static_cast<uint32_t>(generation), generation}, ep};
}

/// Calls until `batch` are removed or all was looked at: how much one call does depends on the store's speed.
/// The count removed.
inline size_t swept(directory &dir, const node_id &node, incarnation inc, size_t batch) {
  for (size_t removed = 0;;) {
    auto x = dir.sweep(node, inc, batch - removed);
    EXPECT_TRUE(x) << render(x.error());
    removed += x ? x->removed : 0;
    if (!x || !x->more || removed == batch)
      return removed;
  }
}

template <class Provider>
class directory_fixture : public ::testing::Test {
protected:
  directory &dir() { return provider_.get(); }
  directory_time now() { return provider_.now(); }
  void pass(std::chrono::microseconds time) { provider_.move_clock(time.count()); }

  void SetUp() override {
    renew("n1", 1);
    renew("n2", 1);
    drain_events();
  }

  directory::result<renew_result> renew(std::string node, incarnation inc,
                                        std::chrono::milliseconds length = 5s) {
    return dir().renew({node_id::trusted(std::move(node)), inc, 0, "", false}, length);
  }
  bool release(std::string node, incarnation inc) {
    auto x = dir().release(node_id::trusted(std::move(node)), inc);
    EXPECT_TRUE(x) << render(x.error());
    return x && *x;
  }
  directory::result<bind_result> bind(const device_id &d, const route &to, const account_id &a = account("a"),
                                      epoch floor = 0) {
    return dir().bind({{d, a, to, floor, now() + 5 * second_us}}).at(0);
  }
  epoch bound(const device_id &d, const route &to, const account_id &a = account("a"), epoch floor = 0) {
    auto x = bind(d, to, a, floor);
    EXPECT_TRUE(x) << render(x.error());
    return x ? x->ep : 0;
  }
  bool unbind(const device_id &d, epoch ep) {
    auto x = dir().unbind({{d, ep, now() + 5 * second_us}}).at(0);
    EXPECT_TRUE(x) << render(x.error());
    return x && *x;
  }
  restore_result restore(const device_id &d, const route &to, const account_id &a = account("a")) {
    auto x = dir().restore({{d, a, to, now() + 5 * second_us}}).at(0);
    EXPECT_TRUE(x) << render(x.error());
    return x ? *x : restore_result{};
  }
  std::optional<record> lookup(const device_id &d) {
    auto x = dir().lookup({d}).at(0);
    EXPECT_TRUE(x) << render(x.error());
    return x ? *x : std::optional<record>{};
  }
  std::vector<std::string> devices_of(const account_id &a) {
    std::vector<std::string> names;
    auto x = dir().devices_of(a);
    EXPECT_TRUE(x) << render(x.error());
    if (x)
      for (auto &found : *x)
        names.push_back(found.device.str());
    return names;
  }
  /// The events since the last call.
  std::vector<event> drain_events() {
    std::vector<event> all;
    for (;;) {
      auto some = dir().events_after(cursor_, 100);
      EXPECT_TRUE(some) << render(some.error());
      if (!some || some->empty())
        return all;
      all.insert(all.end(), some->begin(), some->end());
    }
  }
  static event online(const device_id &d, epoch ep, const account_id &a = account("a")) {
    return {event_kind::online, d, a, ep};
  }
  static event offline(const device_id &d, epoch ep, const account_id &a = account("a")) {
    return {event_kind::offline, d, a, ep};
  }

  Provider provider_;
  std::string cursor_;
};

} // namespace stentor::storage::test
