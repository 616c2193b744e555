// SPDX-License-Identifier: Apache-2.0
// The directory's contract, leases: who lives, who may say that somebody does not, what becomes of the dead,
// and words left for an incarnation. The provider is described in directory_contract.hpp.
#pragma once

#include "tests/storage/directory_fixture.hpp"

#include <set>

namespace stentor::storage::test {

template <class Provider>
class membership_contract : public directory_fixture<Provider> {};

TYPED_TEST_SUITE_P(membership_contract);

// -- leases ----

TYPED_TEST_P(membership_contract, shows_every_lease_that_is_not_past) {
  this->pass(3s);
  auto mine = this->dir().renew({node_id::trusted("n1"), 1, 0, "10.0.0.1:7402", true}, 5s);
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->now, this->now());
  EXPECT_EQ(mine->until, this->now() + 5 * second_us);
  ASSERT_EQ(mine->view.size(), 2u);
  auto by_node = [](auto &a, auto &b) { return a.node < b.node; };
  std::sort(mine->view.begin(), mine->view.end(), by_node);
  EXPECT_EQ(mine->view[0].address, "10.0.0.1:7402");
  EXPECT_TRUE(mine->view[0].draining);
  EXPECT_EQ(mine->view[1].node.str(), "n2");
  EXPECT_EQ(mine->view[1].until, this->now() + 2 * second_us);
  this->pass(2s);
  auto later = this->renew("n1", 1);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->view.size(), 1u);
}

TYPED_TEST_P(membership_contract, hides_records_while_their_incarnation_holds_no_lease) {
  auto d = device("d");
  this->bound(d, at("n1", 1, 1));
  this->pass(5s);
  EXPECT_FALSE(this->lookup(d));
  EXPECT_TRUE(this->devices_of(account("a")).empty());
  EXPECT_TRUE(this->renew("n1", 1)) << "without a tombstone it may take its lease again";
  EXPECT_TRUE(this->lookup(d));
  EXPECT_EQ(this->devices_of(account("a")), (std::vector<std::string>{"d"}));
}

TYPED_TEST_P(membership_contract, invalidates_a_dead_incarnation_at_once_and_for_ever) {
  auto d = device("d");
  this->bound(d, at("n1", 1, 1));
  this->drain_events();
  EXPECT_TRUE(this->release("n1", 1));
  EXPECT_FALSE(this->release("n1", 1));
  EXPECT_FALSE(*this->dir().declare_dead(node_id::trusted("n1"), 1));
  EXPECT_FALSE(this->lookup(d));
  EXPECT_TRUE(this->devices_of(account("a")).empty());
  auto again = this->renew("n1", 1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), errc::superseded);
  EXPECT_TRUE(this->drain_events().empty()) << "offline events come with the sweep";
  auto restarted = this->renew("n1", 2);
  ASSERT_TRUE(restarted);
  EXPECT_EQ(restarted->view.size(), 2u);
  EXPECT_FALSE(this->lookup(d)) << "a record of the old incarnation does not follow its node";
}

TYPED_TEST_P(membership_contract, sweeps_a_dead_incarnation_in_batches) {
  for (uint64_t i = 0; i < 5; ++i)
    this->bound(device("d" + std::to_string(i)), at("n1", 1, i + 1));
  auto kept = this->bound(device("d3"), at("n1", 2, 1));
  this->bound(device("other"), at("n2", 1, 1));
  this->drain_events();
  auto sweep = [this] { return swept(this->dir(), node_id::trusted("n1"), 1, 3); };
  EXPECT_EQ(sweep(), 0u) << "not declared dead";
  EXPECT_TRUE(this->release("n1", 1));
  EXPECT_TRUE(this->renew("n1", 2));
  EXPECT_EQ(sweep(), 3u);
  EXPECT_EQ(sweep(), 1u);
  EXPECT_EQ(sweep(), 0u);
  auto events = this->drain_events();
  std::vector<std::string> gone;
  for (auto &x : events) {
    EXPECT_EQ(x.kind, event_kind::offline);
    gone.push_back(x.device.str());
  }
  std::sort(gone.begin(), gone.end());
  EXPECT_EQ(gone, (std::vector<std::string>{"d0", "d1", "d2", "d4"}));
  EXPECT_EQ(this->lookup(device("d3"))->at.ep, kept);
  EXPECT_TRUE(this->lookup(device("other")));
}

TYPED_TEST_P(membership_contract, protects_a_live_lease_from_being_declared_dead) {
  auto d = device("d");
  this->bound(d, at("n1", 1, 1));
  this->pass(5s - 1us);
  auto early = this->dir().declare_dead(node_id::trusted("n1"), 1);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error(), errc::lease_held);
  EXPECT_TRUE(this->lookup(d));
  EXPECT_TRUE(this->renew("n1", 1)) << "nothing has happened to it";
  this->pass(5s);
  auto late = this->dir().declare_dead(node_id::trusted("n1"), 1);
  ASSERT_TRUE(late);
  EXPECT_TRUE(*late);
  EXPECT_FALSE(this->renew("n1", 1));
  EXPECT_TRUE(*this->dir().declare_dead(node_id::trusted("never-seen"), 9));
  EXPECT_FALSE(this->renew("never-seen", 9));
}

TYPED_TEST_P(membership_contract, lets_a_node_started_twice_wait_for_the_old_lease) {
  auto twice = this->renew("n1", 2);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error(), errc::lease_held);
  EXPECT_TRUE(this->renew("n1", 1));
  this->pass(5s - 1us);
  EXPECT_FALSE(this->renew("n1", 2));
  this->pass(1us);
  EXPECT_TRUE(this->renew("n1", 2)) << "past, though nobody declared it dead";
  auto old = this->renew("n1", 1);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error(), errc::lease_held);
  EXPECT_TRUE(this->release("n1", 2));
  EXPECT_TRUE(this->renew("n1", 3)) << "nobody waits for a lease given up";
  auto dead = this->renew("n1", 2);
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error(), errc::superseded) << "not a lease to wait for: it never comes back";
}

TYPED_TEST_P(membership_contract, names_expired_leases_until_they_are_declared_dead) {
  EXPECT_TRUE(this->renew("n1", 1)->expired.empty());
  this->pass(5s);
  auto seen = this->renew("n2", 1);
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->expired.size(), 1u);
  EXPECT_EQ(seen->expired[0].node.str(), "n1");
  EXPECT_EQ(seen->expired[0].inc, 1u);
  EXPECT_EQ(seen->expired[0].until, this->now());
  EXPECT_EQ(seen->view.size(), 1u);
  EXPECT_TRUE(*this->dir().declare_dead(node_id::trusted("n1"), 1));
  EXPECT_TRUE(this->renew("n2", 1)->expired.empty());
}

TYPED_TEST_P(membership_contract, names_a_dead_incarnation_until_its_sweep_has_finished) {
  this->bound(device("d"), at("n1", 1, 1));
  EXPECT_TRUE(this->renew("n2", 1)->unswept.empty());
  EXPECT_TRUE(this->release("n1", 1));
  auto ends = this->now() + 5 * second_us;
  auto sweep = [this] { return swept(this->dir(), node_id::trusted("n1"), 1, 10); };
  auto unswept = [this] { return this->renew("n2", 1)->unswept; };
  EXPECT_EQ(sweep(), 1u);
  EXPECT_EQ(sweep(), 0u);
  ASSERT_EQ(unswept().size(), 1u) << "a bind under its lease may still land";
  EXPECT_EQ(unswept()[0].node.str(), "n1");
  EXPECT_EQ(unswept()[0].inc, 1u);
  EXPECT_EQ(unswept()[0].until, ends);
  this->bound(device("late"), at("n1", 1, 2));
  this->pass(6s - 1us);
  EXPECT_EQ(sweep(), 1u);
  EXPECT_EQ(sweep(), 0u);
  EXPECT_EQ(unswept().size(), 1u);
  this->pass(1us);
  EXPECT_EQ(sweep(), 0u);
  EXPECT_TRUE(unswept().empty());
  EXPECT_FALSE(this->renew("n1", 1)) << "the tombstone stays";
}

TYPED_TEST_P(membership_contract, names_the_run_of_the_store) {
  auto run = this->renew("n1", 1)->run_id;
  EXPECT_FALSE(run.empty());
  EXPECT_EQ(this->renew("n2", 1)->run_id, run);
  EXPECT_FALSE(this->dir().check());
}

// -- words for an incarnation ----

TYPED_TEST_P(membership_contract, hands_out_the_highest_word_once) {
  auto n1 = node_id::trusted("n1");
  EXPECT_TRUE(this->renew("n1", 1)->notices.empty());
  EXPECT_TRUE(*this->dir().notify(n1, 1, {{device("d"), 7}, {device("e"), 3}}));
  EXPECT_TRUE(*this->dir().notify(n1, 1, {{device("d"), 9}, {device("e"), 2}}));
  EXPECT_TRUE(this->renew("n2", 1)->notices.empty());
  auto words = this->renew("n1", 1)->notices;
  std::sort(words.begin(), words.end(), [](auto &a, auto &b) { return a.device < b.device; });
  EXPECT_EQ(words, (std::vector<notice>{{device("d"), 9}, {device("e"), 3}}));
  EXPECT_TRUE(this->renew("n1", 1)->notices.empty());
  EXPECT_TRUE(*this->dir().notify(n1, 1, {{device("d"), 11}}));
  EXPECT_EQ(this->renew("n1", 1)->notices, (std::vector<notice>{{device("d"), 11}}));
}

TYPED_TEST_P(membership_contract, keeps_a_bounded_number_of_words) {
  auto n1 = node_id::trusted("n1");
  size_t sent = 0;
  auto some = [&](size_t count) {
    std::vector<notice> words;
    while (words.size() < count)
      words.push_back({device("d" + std::to_string(sent++)), 1});
    return words;
  };
  auto first = some(max_notices - 1);
  ASSERT_TRUE(*this->dir().notify(n1, 1, first));
  EXPECT_FALSE(*this->dir().notify(n1, 1, some(2))) << "all of them or none";
  EXPECT_TRUE(*this->dir().notify(n1, 1, some(1)));
  EXPECT_TRUE(*this->dir().notify(n1, 1, first)) << "none of these is new";
  EXPECT_FALSE(*this->dir().notify(n1, 1, some(1)));
  std::set<device_id> seen;
  for (size_t i = 0; i < max_notices / max_notices_a_renew; ++i) {
    auto words = this->renew("n1", 1)->notices;
    EXPECT_EQ(words.size(), max_notices_a_renew);
    for (auto &x : words)
      EXPECT_TRUE(seen.insert(x.device).second) << x.device.str();
  }
  EXPECT_TRUE(this->renew("n1", 1)->notices.empty());
}

TYPED_TEST_P(membership_contract, keeps_no_words_for_the_dead) {
  auto n1 = node_id::trusted("n1");
  ASSERT_TRUE(*this->dir().notify(n1, 1, {{device("d"), 7}}));
  EXPECT_TRUE(this->release("n1", 1));
  EXPECT_TRUE(*this->dir().notify(n1, 1, {{device("e"), 7}}));
  ASSERT_TRUE(this->renew("n1", 2));
  EXPECT_TRUE(this->renew("n1", 2)->notices.empty()) << "another incarnation has its own";
}

REGISTER_TYPED_TEST_SUITE_P(
    membership_contract, shows_every_lease_that_is_not_past,
    hides_records_while_their_incarnation_holds_no_lease, invalidates_a_dead_incarnation_at_once_and_for_ever,
    sweeps_a_dead_incarnation_in_batches, protects_a_live_lease_from_being_declared_dead,
    lets_a_node_started_twice_wait_for_the_old_lease, names_expired_leases_until_they_are_declared_dead,
    names_a_dead_incarnation_until_its_sweep_has_finished, names_the_run_of_the_store,
    hands_out_the_highest_word_once, keeps_a_bounded_number_of_words, keeps_no_words_for_the_dead);

} // namespace stentor::storage::test
