// SPDX-License-Identifier: Apache-2.0
#include "actors/session/ledger.hpp"

#include "tests/actors/session/session_parts.hpp"

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

struct ledger_of_a_session : test::session_parts {
  ledger book;

  open_message open(uint64_t n, incarnation told_by = 0, want wants = want::written) {
    return {{1, n}, std::to_string(n), wants, now, now + 5s, told_by};
  }
  void verdict_for(uint64_t n, verdict v, session_turn &t) {
    owed_verdict what;
    what.result.what = v;
    book.on_verdict({1, n}, std::move(what), t);
  }
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (auto &x : frames("verdict"))
      all.push_back(x.at("id").get<std::string>() + " " + x.at("verdict").get<std::string>());
    return all;
  }
  using texts = std::vector<std::string>;
};

} // namespace

TEST_F(ledger_of_a_session, tells_a_verdict_once_by_the_senders_own_id) {
  book.open(open(7));
  auto t = turn();
  verdict_for(7, verdict::written, t);
  verdict_for(7, verdict::offline, t);
  EXPECT_EQ(told(), texts{"7 written"});
  EXPECT_EQ(counters.values().late_verdicts.value(), 1u);
}

TEST_F(ledger_of_a_session, leaves_out_what_the_sender_does_not_want) {
  book.open(open(1, 0, want::errors));
  book.open(open(2, 0, want::errors));
  auto t = turn();
  verdict_for(1, verdict::written, t);
  verdict_for(2, verdict::offline, t);
  EXPECT_EQ(told(), texts{"2 offline"});
}

TEST_F(ledger_of_a_session, keeps_verdicts_for_a_device_that_is_away_and_drops_the_oldest) {
  auto away = turn(5, false);
  for (uint64_t n = 0; n < session_state::max_owed + 2; ++n) {
    book.open(open(n));
    verdict_for(n, verdict::written, away);
  }
  EXPECT_EQ(book.owed(), session_state::max_owed);
  EXPECT_TRUE(device.frames.empty());
  auto t = turn();
  book.tell_owed(t);
  ASSERT_EQ(told().size(), session_state::max_owed);
  EXPECT_EQ(told().front(), "2 written");
  EXPECT_EQ(book.owed(), 0u);
}

TEST_F(ledger_of_a_session, a_verdict_without_room_cuts_the_device_off_and_later_ones_are_kept) {
  device.room = 5;
  auto t = turn();
  book.open(open(1));
  book.open(open(2));
  verdict_for(1, verdict::written, t);
  EXPECT_TRUE(t.too_slow);
  verdict_for(2, verdict::written, t);
  EXPECT_EQ(book.owed(), 1u);
  EXPECT_TRUE(device.frames.empty());
}

TEST_F(ledger_of_a_session, a_connection_that_closes_gets_no_verdict) {
  device.usable = false;
  auto t = turn();
  book.open(open(1));
  verdict_for(1, verdict::written, t);
  EXPECT_EQ(book.owed(), 1u);
  EXPECT_FALSE(t.too_slow);
}

TEST_F(ledger_of_a_session, an_account_messages_verdict_has_a_row_for_each_copy) {
  auto t = turn();
  owed_verdict what{"a", {}, 12, std::make_unique<std::vector<copy_verdict>>()};
  what.copies->push_back({"phone", {}});
  book.tell(std::move(what), t);
  auto frame = frames("verdict").at(0);
  EXPECT_EQ(frame.at("devices").size(), 1u);
  EXPECT_EQ(frame.at("us").at("total"), 12);
}

TEST_F(ledger_of_a_session, what_another_node_was_to_tell_is_unknown_once_its_link_has_ended) {
  book.open(open(1, 33));
  book.open(open(2, 44));
  book.open(open(3));
  auto t = turn();
  book.on_link_lost(33, t);
  EXPECT_EQ(told(), texts{"1 unreachable"});
  messages.links.insert(44);
  book.give_up_unlinked(t);
  EXPECT_EQ(told().size(), 1u);
  messages.links.clear();
  book.give_up_unlinked(t);
  EXPECT_EQ(told(), (texts{"1 unreachable", "2 unreachable"}));
}

TEST_F(ledger_of_a_session, what_nobody_told_in_time_is_unknown) {
  book.open(open(1, 33));
  EXPECT_EQ(book.next_due(), now + 5s + open_messages::patience);
  now = book.next_due() - 1ms;
  auto early = turn();
  book.give_up_overdue(early);
  EXPECT_TRUE(told().empty());
  now += 1ms;
  auto t = turn();
  book.give_up_overdue(t);
  EXPECT_EQ(told(), texts{"1 unreachable"});
  EXPECT_EQ(frames("verdict")[0].at("us").at("total"), 5'500'000);
}

TEST_F(ledger_of_a_session, unconfirmed_messages_end_unknown_at_written) {
  auto e = message(1, want::acked);
  book.reserve(*e);
  book.await_ack(std::move(e));
  book.settle_unconfirmed(turn());
  ASSERT_EQ(messages.verdicts(), std::vector{verdict::unreachable});
  EXPECT_EQ(messages.finished[0].result.at, stage::written);
  EXPECT_EQ(book.unacked(), 0u);
}

TEST_F(ledger_of_a_session, a_key_whose_state_was_given_away_is_settled_at_the_heir) {
  auto e = keyed(1, "k");
  EXPECT_EQ(book.begin_key(*e, lim).what, key_state::fresh);
  messages.has_heir = true;
  book.settle_key(*e, verdict::written, turn());
  EXPECT_EQ(messages.moved_keys, std::vector<std::string>{"k"});
}

TEST_F(ledger_of_a_session, gives_its_state_but_keeps_the_room_of_what_is_under_way) {
  lim.max_unacked_messages = 1;
  std::vector<envelope_ptr> unwritten;
  unwritten.push_back(message(1, want::acked));
  book.reserve(*unwritten[0]);
  book.open(open(5));
  auto away = turn(5, false);
  book.tell({"9", {}, 0, nullptr}, away);
  auto state = book.give(unwritten);
  EXPECT_EQ(state->owed.size(), 1u);
  EXPECT_EQ(state->open.size(), 1u);
  EXPECT_EQ(book.owed(), 0u);
  EXPECT_FALSE(book.has_room(*message(2, want::acked), now, lim));
  book.release(*unwritten[0], verdict::offline, turn());
  EXPECT_TRUE(book.has_room(*message(2, want::acked), now, lim));
  ledger next;
  EXPECT_TRUE(state->unconfirmed.has_room(*message(2, want::acked), now, lim)) << "nothing is reserved there";
  next.take(std::move(*state));
  EXPECT_EQ(next.owed(), 1u);
}

TEST_F(ledger_of_a_session, a_state_that_comes_too_late_is_told_and_not_awaited) {
  session_state state;
  state.owed.push_back({"9", {}, 0, nullptr});
  state.unconfirmed.add([&] {
    auto e = message(1, want::acked);
    state.unconfirmed.reserve(*e);
    return e;
  }());
  state.open.add(open(5, 33));
  auto t = turn();
  book.take_late(std::move(state), t);
  EXPECT_EQ(told(), (texts{"9 unreachable", "5 unreachable"}));
  EXPECT_EQ(messages.verdicts(), std::vector{verdict::unreachable});
}
