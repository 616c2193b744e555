// SPDX-License-Identifier: Apache-2.0
// The second half of the directory's contract: seeded random schedules against a naive model, for any
// implementation that has a provider (see directory_contract.hpp). The model knows everything but the number
// an epoch gets.
#pragma once

#include "tests/storage/directory_fixture.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>

namespace stentor::storage::test {

template <class Provider>
class directory_schedule : public directory_fixture<Provider> {
protected:
  struct held {
    account_id owner;
    route to;
  };
  struct node_state {
    incarnation inc = 1;
    directory_time until = 0;
  };

  void SetUp() override {
    for (auto name : {"n1", "n2", "n3"})
      nodes_[name] = {};
    this->drain_events();
  }

  size_t any(size_t below) { return std::uniform_int_distribution<size_t>{0, below - 1}(random_); }
  device_id any_device() { return device("d" + std::to_string(any(12))); }
  account_id any_account() { return account("a" + std::to_string(any(3))); }
  std::string any_node() { return "n" + std::to_string(1 + any(3)); }

  bool is_live(const route &x) {
    auto &node = nodes_[x.node.str()];
    return node.inc == x.inc && this->now() < node.until;
  }
  void expect_start(const device_id &d, const held &x) {
    if (auto old = records_.find(d); old != records_.end())
      expect_end(d);
    expected_.push_back({event_kind::online, d, x.owner, x.to.ep});
    records_[d] = x;
  }
  void expect_end(const device_id &d) {
    auto &old = records_.at(d);
    expected_.push_back({event_kind::offline, d, old.owner, old.to.ep});
    records_.erase(d);
  }

  void step_bind() {
    auto d = any_device();
    auto name = any_node();
    held x{any_account(), at(name, nodes_[name].inc, 1 + any(6))};
    auto old = records_.find(d);
    if (old != records_.end() && any(4) == 0)
      x = old->second; // a repetition
    auto is_fenced = any(10) == 0;
    auto floor = any(5) == 0 ? last_[d] + any(1000) : 0;
    auto until = is_fenced ? this->now() - static_cast<int64_t>(any(2)) : this->now() + second_us;
    auto answer = this->dir().bind({{d, x.owner, x.to, floor, until}}).at(0);
    ASSERT_EQ(static_cast<bool>(answer), !is_fenced);
    if (is_fenced)
      return;
    if (old != records_.end() && old->second.to.node == x.to.node && old->second.to.inc == x.to.inc &&
        old->second.to.session == x.to.session) {
      EXPECT_EQ(answer->ep, old->second.to.ep);
      return;
    }
    EXPECT_GT(answer->ep, last_[d]);
    EXPECT_GT(answer->ep, floor);
    EXPECT_GE(answer->ep, static_cast<epoch>(this->now()));
    if (old != records_.end() && is_live(old->second.to))
      EXPECT_EQ(answer->previous, old->second.to);
    else
      EXPECT_FALSE(answer->previous);
    x.to.ep = last_[d] = answer->ep;
    expect_start(d, x);
  }

  void step_unbind() {
    auto d = any_device();
    auto old = records_.find(d);
    auto is_mine = old != records_.end() && any(2) == 0;
    auto ep = is_mine ? old->second.to.ep : last_[d] - 1 - any(5);
    if (old != records_.end() && old->second.to.ep == ep)
      is_mine = true;
    EXPECT_EQ(this->unbind(d, ep), is_mine);
    if (is_mine)
      expect_end(d);
  }

  void step_restore() {
    auto d = any_device();
    auto name = any_node();
    auto old = records_.find(d);
    held x{any_account(), at(name, nodes_[name].inc, 100 + any(3))};
    x.to.ep = std::max(last_[d], static_cast<epoch>(second_us)) + 3 - any(6);
    auto answer = this->restore(d, x.to, x.owner);
    if (old != records_.end() && old->second.to == x.to) {
      EXPECT_TRUE(answer.restored);
    } else if (old == records_.end() || old->second.to.ep < x.to.ep) {
      EXPECT_TRUE(answer.restored);
      last_[d] = std::max(last_[d], x.to.ep);
      expect_start(d, x);
    } else {
      EXPECT_FALSE(answer.restored);
      EXPECT_EQ(answer.holder, old->second.to);
    }
  }

  void step_renew() {
    auto name = any_node();
    auto answer = this->renew(name, nodes_[name].inc);
    ASSERT_TRUE(answer);
    nodes_[name].until = answer->until;
    std::set<std::string> expected, seen;
    for (auto &[node, x] : nodes_)
      if (this->now() < x.until)
        expected.insert(node);
    for (auto &x : answer->view)
      seen.insert(x.node.str());
    EXPECT_EQ(seen, expected);
  }

  void step_death() {
    auto name = any_node();
    auto &node = nodes_[name];
    auto dead = node.inc++;
    auto declared = this->dir().declare_dead(node_id::trusted(name), dead);
    if (this->now() < node.until) {
      ASSERT_FALSE(declared);
      EXPECT_EQ(declared.error(), errc::lease_held);
      EXPECT_FALSE(this->renew(name, node.inc)) << "it waits for the old one";
      ASSERT_TRUE(this->release(name, dead));
    } else {
      ASSERT_TRUE(declared && *declared);
    }
    node.until = 0;
    EXPECT_FALSE(this->renew(name, dead));
    check_all();
    dead_.push_back({name, dead});
  }

  void step_sweep() {
    if (dead_.empty())
      return;
    auto [name, inc] = dead_[any(dead_.size())];
    std::set<std::pair<device_id, epoch>> left;
    for (auto &[d, x] : records_)
      if (x.to.node.str() == name && x.to.inc == inc)
        left.insert({d, x.to.ep});
    auto batch = 1 + any(3);
    auto count = swept(this->dir(), node_id::trusted(name), inc, batch);
    EXPECT_EQ(count, std::min(batch, left.size()));
    auto events = this->drain_events();
    ASSERT_EQ(events.size(), count);
    for (auto &x : events) { // which ones go first is not promised
      EXPECT_EQ(x.kind, event_kind::offline);
      EXPECT_EQ(left.erase({x.device, x.ep}), 1u);
      records_.erase(x.device);
    }
  }

  void check_all() {
    EXPECT_EQ(this->drain_events(), expected_);
    expected_.clear();
    std::map<account_id, std::vector<std::string>> by_account;
    std::vector<device_id> devices;
    for (size_t i = 0; i < 12; ++i)
      devices.push_back(device("d" + std::to_string(i)));
    auto found = this->dir().lookup(devices);
    for (size_t i = 0; i < 12; ++i) {
      auto &d = devices[i];
      auto x = records_.find(d);
      auto is_there = x != records_.end() && is_live(x->second.to);
      ASSERT_TRUE(found[i]) << render(found[i].error());
      ASSERT_EQ(found[i]->has_value(), is_there) << d.str();
      if (!is_there)
        continue;
      EXPECT_EQ(**found[i], (record{d, x->second.owner, x->second.to}));
      by_account[x->second.owner].push_back(d.str());
    }
    for (size_t i = 0; i < 3; ++i) {
      auto a = account("a" + std::to_string(i));
      auto &names = by_account[a];
      std::sort(names.begin(), names.end());
      EXPECT_EQ(this->devices_of(a), names);
    }
  }

  void run(uint64_t seed, size_t steps) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    for (size_t i = 0; i < steps && !this->HasFatalFailure() && !this->HasNonfatalFailure(); ++i) {
      auto choice = any(100);
      if (choice < 45)
        step_bind();
      else if (choice < 65)
        step_unbind();
      else if (choice < 72)
        step_restore();
      else if (choice < 86)
        step_renew();
      else if (choice < 88)
        step_death();
      else if (choice < 92)
        step_sweep();
      else
        this->provider_.move_clock(any(8) == 0 ? -second_us : static_cast<int64_t>(any(second_us)));
      check_all();
    }
  }

  std::mt19937_64 random_;
  std::map<std::string, node_state> nodes_;
  std::map<device_id, held> records_; ///< live or not
  std::map<device_id, epoch> last_;   ///< the highest epoch ever
  std::vector<std::pair<std::string, incarnation>> dead_;
  std::vector<event> expected_;
};

TYPED_TEST_SUITE_P(directory_schedule);

TYPED_TEST_P(directory_schedule, agrees_with_the_naive_model) {
  for (uint64_t seed = 1; seed <= TypeParam::schedules; ++seed) {
    this->run(seed, 400);
    if (this->HasFailure())
      return;
    this->provider_.lose_everything();
    this->nodes_ = {{"n1", {}}, {"n2", {}}, {"n3", {}}};
    this->records_.clear();
    this->last_.clear();
    this->dead_.clear();
    this->expected_.clear();
    this->cursor_.clear();
    this->drain_events();
  }
}

REGISTER_TYPED_TEST_SUITE_P(directory_schedule, agrees_with_the_naive_model);

} // namespace stentor::storage::test
