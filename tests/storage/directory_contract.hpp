// SPDX-License-Identifier: Apache-2.0
// What every directory must do. An implementation joins with
//   INSTANTIATE_TYPED_TEST_SUITE_P(memory, directory_contract, memory_provider);
// where the provider is default-constructible and has
//   directory &get()             the directory under test, empty at first
//   directory_time now()         its clock
//   void move_clock(int64_t us)  forward, or back where negative
//   void lose_everything()       an empty restart of the store, same clock
#pragma once

#include "tests/storage/directory_fixture.hpp"

namespace stentor::storage::test {

template <class Provider>
class directory_contract : public directory_fixture<Provider> {};

TYPED_TEST_SUITE_P(directory_contract);

// -- bind ----

TYPED_TEST_P(directory_contract, finds_a_bound_device) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 7));
  EXPECT_GE(ep, static_cast<epoch>(this->now()));
  auto found = this->lookup(d);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (record{d, account("a"), at("n1", 1, 7, ep)}));
  EXPECT_FALSE(this->lookup(device("e")));
}

TYPED_TEST_P(directory_contract, answers_batches_in_order) {
  auto until = this->now() + second_us;
  auto results = this->dir().bind({{device("x"), account("a"), at("n1", 1, 1), 0, until},
                                   {device("y"), account("a"), at("n1", 1, 2), 0, 0},
                                   {device("z"), account("a"), at("n1", 1, 3), 0, until},
                                   {device("x"), account("a"), at("n1", 1, 4), 0, until}});
  ASSERT_EQ(results.size(), 4u);
  ASSERT_TRUE(results[0]);
  EXPECT_FALSE(results[1]);
  ASSERT_TRUE(results[2]);
  ASSERT_TRUE(results[3]);
  EXPECT_EQ(results[3]->previous, at("n1", 1, 1, results[0]->ep));
  auto found = this->dir().lookup({device("z"), device("y"), device("x")});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ((*found[0])->at.session.generation, 3u);
  EXPECT_FALSE(found[1]->has_value());
  EXPECT_EQ((*found[2])->at.session.generation, 4u);
}

TYPED_TEST_P(directory_contract, gives_a_repeated_bind_the_same_epoch_and_no_events) {
  auto ep = this->bound(device("d"), at("n1", 1, 7));
  this->drain_events();
  this->pass(1s);
  EXPECT_EQ(this->bound(device("d"), at("n1", 1, 7)), ep);
  EXPECT_TRUE(this->drain_events().empty());
}

TYPED_TEST_P(directory_contract, names_the_previous_holder_of_a_takeover) {
  auto d = device("d");
  auto first = this->bound(d, at("n1", 1, 7));
  auto second = this->bind(d, at("n2", 1, 7));
  ASSERT_TRUE(second);
  EXPECT_GT(second->ep, first);
  EXPECT_EQ(second->previous, at("n1", 1, 7, first));
  EXPECT_EQ(this->lookup(d)->at, at("n2", 1, 7, second->ep));
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, first), this->offline(d, first),
                                                      this->online(d, second->ep)}));
}

TYPED_TEST_P(directory_contract, names_no_previous_holder_whose_lease_has_ended) {
  auto d = device("d");
  auto first = this->bound(d, at("n1", 1, 7));
  this->pass(6s);
  this->renew("n2", 1);
  auto second = this->bind(d, at("n2", 1, 1));
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->previous);
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, first), this->offline(d, first),
                                                      this->online(d, second->ep)}));
}

TYPED_TEST_P(directory_contract, takes_another_generation_of_a_session_for_another_session) {
  auto first = this->bound(device("d"), route{node_id::trusted("n1"), 1, {0, 5, 1}, 0});
  auto second = this->bound(device("d"), route{node_id::trusted("n1"), 1, {0, 5, 2}, 0});
  EXPECT_GT(second, first);
}

TYPED_TEST_P(directory_contract, moves_a_device_that_changed_its_account) {
  auto d = device("d");
  auto first = this->bound(d, at("n1", 1, 1), account("a"));
  auto second = this->bound(d, at("n1", 1, 2), account("b"));
  EXPECT_TRUE(this->devices_of(account("a")).empty());
  EXPECT_EQ(this->devices_of(account("b")), (std::vector<std::string>{"d"}));
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, first), this->offline(d, first),
                                                      this->online(d, second, account("b"))}));
}

// -- epochs ----

TYPED_TEST_P(directory_contract, never_goes_back_when_the_clock_does) {
  auto d = device("d");
  auto last = this->bound(d, at("n1", 1, 1));
  this->provider_.move_clock(-100 * second_us);
  auto taken = this->bound(d, at("n1", 1, 2));
  EXPECT_GT(taken, last);
  EXPECT_TRUE(this->unbind(d, taken));
  EXPECT_GT(this->bound(d, at("n1", 1, 3)), taken);
}

TYPED_TEST_P(directory_contract, gives_epochs_above_the_floor) {
  auto floor = static_cast<epoch>(this->now()) + 50 * second_us;
  auto ep = this->bound(device("d"), at("n1", 1, 1), account("a"), floor);
  EXPECT_GT(ep, floor);
}

TYPED_TEST_P(directory_contract, never_goes_back_after_an_empty_restart) {
  auto d = device("d");
  auto seen = this->bound(d, at("n1", 1, 1));
  this->provider_.lose_everything();
  this->provider_.move_clock(-100 * second_us);
  EXPECT_GT(this->bound(d, at("n1", 1, 2), account("a"), seen), seen);
}

// -- unbind ----

TYPED_TEST_P(directory_contract, forgets_an_unbound_device) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 1));
  EXPECT_TRUE(this->unbind(d, ep));
  EXPECT_FALSE(this->lookup(d));
  EXPECT_TRUE(this->devices_of(account("a")).empty());
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, ep), this->offline(d, ep)}));
  EXPECT_FALSE(this->unbind(d, ep));
  EXPECT_TRUE(this->drain_events().empty());
}

TYPED_TEST_P(directory_contract, keeps_the_newer_record_from_a_late_unbind) {
  auto d = device("d");
  auto first = this->bound(d, at("n1", 1, 1));
  auto second = this->bound(d, at("n1", 1, 2));
  this->drain_events();
  EXPECT_FALSE(this->unbind(d, first));
  ASSERT_TRUE(this->lookup(d));
  EXPECT_EQ(this->lookup(d)->at.ep, second);
  EXPECT_EQ(this->devices_of(account("a")), (std::vector<std::string>{"d"}));
  EXPECT_TRUE(this->drain_events().empty());
}

// -- the fence ----

TYPED_TEST_P(directory_contract, fences_every_write_from_the_end_of_the_callers_lease) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 1));
  this->drain_events();
  for (auto until : {this->now(), this->now() - 1}) {
    auto bound = this->dir().bind({{d, account("a"), at("n2", 1, 1), 0, until}}).at(0);
    auto restored = this->dir().restore({{d, account("a"), at("n2", 1, 1, ep + 9), until}}).at(0);
    auto unbound = this->dir().unbind({{d, ep, until}}).at(0);
    ASSERT_FALSE(bound);
    ASSERT_FALSE(restored);
    ASSERT_FALSE(unbound);
    EXPECT_EQ(bound.error(), errc::fenced);
    EXPECT_EQ(restored.error(), errc::fenced);
    EXPECT_EQ(unbound.error(), errc::fenced);
  }
  EXPECT_EQ(this->lookup(d)->at, at("n1", 1, 1, ep));
  EXPECT_TRUE(this->drain_events().empty());
}

TYPED_TEST_P(directory_contract, creates_nothing_by_a_fenced_bind) {
  EXPECT_FALSE(this->dir().bind({{device("d"), account("a"), at("n1", 1, 1), 0, this->now()}}).at(0));
  EXPECT_FALSE(this->lookup(device("d")));
  EXPECT_EQ(*this->dir().size(), 0u);
  EXPECT_TRUE(this->restore(device("d"), at("n1", 1, 1, 1)).restored);
}

TYPED_TEST_P(directory_contract, refuses_a_bind_that_was_asked_before_the_device_was_bound_elsewhere) {
  auto d = device("d");
  auto ask = [&](const route &to, directory_time asked_at) {
    bind_request x{d, account("a"), to, 0, this->now() + 60'000'000};
    x.asked_at = asked_at;
    return this->dir().bind({x}).at(0);
  };
  auto before = this->now();
  this->pass(1ms);
  auto ep = this->bound(d, at("n2", 1, 1));
  this->drain_events();
  EXPECT_EQ(ask(at("n1", 1, 1), before).error(), errc::stale) << "it lay somewhere meanwhile";
  EXPECT_EQ(this->lookup(d)->at, at("n2", 1, 1, ep));
  EXPECT_TRUE(this->drain_events().empty());
  EXPECT_EQ(ask(at("n2", 1, 1), before)->ep, ep) << "its own, repeated";
  this->pass(1ms);
  auto after = ask(at("n1", 1, 1), this->now());
  ASSERT_TRUE(after);
  EXPECT_GT(after->ep, ep);
  EXPECT_TRUE(ask(at("n2", 1, 2), 0)) << "who cannot say when is not refused";
}

// -- restore ----

TYPED_TEST_P(directory_contract, restores_what_was_lost_with_its_epoch) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 1));
  this->provider_.lose_everything();
  this->renew("n1", 1);
  this->cursor_.clear();
  this->drain_events();
  auto held = at("n1", 1, 1, ep);
  EXPECT_TRUE(this->restore(d, held).restored);
  EXPECT_EQ(this->lookup(d)->at, held);
  EXPECT_EQ(this->devices_of(account("a")), (std::vector<std::string>{"d"}));
  EXPECT_TRUE(this->restore(d, held).restored) << "a repetition";
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, ep)}));
  EXPECT_GT(this->bound(d, at("n2", 1, 1)), ep);
}

TYPED_TEST_P(directory_contract, restores_over_a_smaller_epoch_only) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 1));
  this->drain_events();
  for (auto late : {ep, ep - 1}) {
    auto lost = this->restore(d, at("n2", 1, 1, late));
    EXPECT_FALSE(lost.restored);
    EXPECT_EQ(lost.holder, at("n1", 1, 1, ep));
  }
  EXPECT_TRUE(this->drain_events().empty());
  auto won = this->restore(d, at("n2", 1, 1, ep + 5));
  EXPECT_TRUE(won.restored);
  EXPECT_FALSE(won.holder);
  EXPECT_EQ(this->lookup(d)->at, at("n2", 1, 1, ep + 5));
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->offline(d, ep), this->online(d, ep + 5)}));
  EXPECT_GT(this->bound(d, at("n1", 1, 2)), ep + 5);
}

TYPED_TEST_P(directory_contract, restores_what_was_removed_with_a_fresh_epoch) {
  auto d = device("d");
  auto ep = this->bound(d, at("n1", 1, 1));
  auto ghost = this->bound(d, at("n2", 1, 1));
  this->dir().unbind({{d, ghost, this->now() + 5 * second_us}});
  this->drain_events();
  auto restore = [&](epoch held) {
    return *this->dir()
                .restore({{d, account("a"), at("n1", 1, 1, held), this->now() + 5 * second_us, true}})
                .at(0);
  };
  auto won = restore(ep);
  ASSERT_TRUE(won.restored);
  EXPECT_GT(won.ep, ghost);
  EXPECT_EQ(this->lookup(d)->at, at("n1", 1, 1, won.ep));
  EXPECT_EQ(this->drain_events(), (std::vector<event>{this->online(d, won.ep)}));
  auto again = restore(won.ep);
  EXPECT_TRUE(again.restored) << "a repetition";
  EXPECT_EQ(again.ep, won.ep);
  EXPECT_EQ(restore(ep).holder, at("n1", 1, 1, won.ep)) << "one whose answer was lost learns its epoch";
  EXPECT_TRUE(this->drain_events().empty());
}

// -- accounts ----

TYPED_TEST_P(directory_contract, lists_an_accounts_devices_in_order) {
  for (auto name : {"m", "c", "x", "a"})
    this->bound(device(name), at("n1", 1, static_cast<uint64_t>(*name)), account("one"));
  this->bound(device("b"), at("n2", 1, 1), account("two"));
  EXPECT_EQ(this->devices_of(account("one")), (std::vector<std::string>{"a", "c", "m", "x"}));
  EXPECT_EQ(this->devices_of(account("two")), (std::vector<std::string>{"b"}));
  EXPECT_TRUE(this->devices_of(account("three")).empty());
  auto x = this->lookup(device("m"));
  ASSERT_TRUE(x);
  EXPECT_TRUE(this->unbind(device("m"), x->at.ep));
  EXPECT_EQ(this->devices_of(account("one")), (std::vector<std::string>{"a", "c", "x"}));
}

// -- events ----

TYPED_TEST_P(directory_contract, starts_an_empty_cursor_now) {
  this->bound(device("d"), at("n1", 1, 1));
  std::string cursor;
  auto none = this->dir().events_after(cursor, 10);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_FALSE(cursor.empty());
  auto ep = this->bound(device("e"), at("n1", 1, 2));
  auto one = this->dir().events_after(cursor, 10);
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, (std::vector<event>{this->online(device("e"), ep)}));
}

TYPED_TEST_P(directory_contract, gives_at_most_as_many_events_as_asked_and_goes_on_there) {
  // Of one device: between devices no order is promised.
  std::vector<epoch> expected;
  for (uint64_t i = 1; i <= 3; ++i)
    expected.push_back(this->bound(device("d"), at("n1", 1, i)));
  std::vector<size_t> sizes;
  std::vector<epoch> begun;
  for (;;) {
    auto some = this->dir().events_after(this->cursor_, 2);
    ASSERT_TRUE(some);
    sizes.push_back(some->size());
    if (some->empty())
      break;
    for (auto &x : *some)
      if (x.kind == event_kind::online)
        begun.push_back(x.ep);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{2, 2, 1, 0}));
  EXPECT_EQ(begun, expected);
}

REGISTER_TYPED_TEST_SUITE_P(directory_contract, finds_a_bound_device,
                            refuses_a_bind_that_was_asked_before_the_device_was_bound_elsewhere,
                            answers_batches_in_order, gives_a_repeated_bind_the_same_epoch_and_no_events,
                            names_the_previous_holder_of_a_takeover,
                            names_no_previous_holder_whose_lease_has_ended,
                            takes_another_generation_of_a_session_for_another_session,
                            moves_a_device_that_changed_its_account, never_goes_back_when_the_clock_does,
                            gives_epochs_above_the_floor, never_goes_back_after_an_empty_restart,
                            forgets_an_unbound_device, keeps_the_newer_record_from_a_late_unbind,
                            fences_every_write_from_the_end_of_the_callers_lease,
                            creates_nothing_by_a_fenced_bind, restores_what_was_lost_with_its_epoch,
                            restores_what_was_removed_with_a_fresh_epoch, restores_over_a_smaller_epoch_only,
                            lists_an_accounts_devices_in_order, starts_an_empty_cursor_now,
                            gives_at_most_as_many_events_as_asked_and_goes_on_there);

} // namespace stentor::storage::test
