// SPDX-License-Identifier: Apache-2.0
#include "actors/session/binding.hpp"

#include "tests/actors/session/session_parts.hpp"

using namespace stentor;
using namespace stentor::actors;

namespace {

constexpr storage::directory_time lease = 77;

struct binding_of_a_session : test::session_parts {
  std::optional<resume_token> token = resume_token{9, {1, 4, 2}, {}};
  binding fresh{std::nullopt};
  binding resuming{token};

  bind_answer bound(epoch ep, caf::optional<route> previous = caf::none) {
    return {errc::none, ep, std::move(previous)};
  }
  route elsewhere{node_id::trusted("n2"), 20, {0, 1, 1}, 4};
};

} // namespace

TEST_F(binding_of_a_session, asks_with_its_own_route_and_lease) {
  ASSERT_TRUE(fresh.ask(turn(0, false), lease));
  ASSERT_EQ(directory.binds.size(), 1u);
  auto &asked = directory.binds[0];
  EXPECT_EQ(asked.device, me->device);
  EXPECT_EQ(asked.to, (route{node, inc, ref, 0}));
  EXPECT_EQ(asked.lease_until, lease);
  EXPECT_EQ(fresh.word(), hold_word::in_transit);
  EXPECT_TRUE(fresh.takes_messages(123)) << "others may know the answer before it does";
}

TEST_F(binding_of_a_session, is_live_once_bound_and_tells_who_had_the_device) {
  EXPECT_EQ(fresh.on_bound(bound(5, elsewhere), turn(0, false), lease), binding::answer::live);
  fresh.become(binding::phase::live);
  ASSERT_EQ(directory.superseded.size(), 1u);
  EXPECT_EQ(directory.superseded[0], std::pair(elsewhere, epoch{5}));
  EXPECT_EQ(fresh.word(), hold_word::held);
  EXPECT_TRUE(fresh.takes_messages(5));
  EXPECT_FALSE(fresh.takes_messages(4));
  EXPECT_TRUE(directory.given_back.empty());
}

TEST_F(binding_of_a_session, does_not_supersede_itself) {
  EXPECT_EQ(fresh.on_bound(bound(5, route{node, inc, ref, 4}), turn(0, false), lease), binding::answer::live);
  EXPECT_TRUE(directory.superseded.empty());
}

TEST_F(binding_of_a_session, gives_back_what_a_device_that_has_gone_was_given) {
  device.usable = false;
  EXPECT_EQ(fresh.on_bound(bound(5, elsewhere), turn(0, false), lease), binding::answer::given_up);
  ASSERT_EQ(directory.given_back.size(), 1u);
  EXPECT_EQ(directory.given_back[0].first.ep, 5u);
  EXPECT_EQ(directory.given_back[0].first.lease_until, lease);
  ASSERT_TRUE(directory.given_back[0].second) << "who had it before may live";
  EXPECT_EQ(*directory.given_back[0].second, elsewhere);
}

TEST_F(binding_of_a_session, gives_back_what_a_newer_connection_took_in_the_meantime) {
  EXPECT_EQ(fresh.on_superseded(6), binding::effect::none) << "its own bind may be the newer one";
  EXPECT_EQ(fresh.on_bound(bound(5, elsewhere), turn(0, false), lease), binding::answer::given_up);
  ASSERT_EQ(directory.given_back.size(), 1u);
  EXPECT_FALSE(directory.given_back[0].second) << "the newer one told it";
}

TEST_F(binding_of_a_session, outlives_a_notice_that_is_older_than_its_bind) {
  EXPECT_EQ(fresh.on_superseded(4), binding::effect::none);
  EXPECT_EQ(fresh.on_bound(bound(5), turn(0, false), lease), binding::answer::live);
  fresh.become(binding::phase::live);
  EXPECT_EQ(fresh.on_superseded(5), binding::effect::none);
  EXPECT_EQ(fresh.word(), hold_word::held);
  EXPECT_EQ(fresh.on_superseded(6), binding::effect::leave);
  EXPECT_EQ(fresh.word(), hold_word::gone);
  EXPECT_EQ(fresh.on_superseded(6), binding::effect::none) << "once";
}

TEST_F(binding_of_a_session, ends_if_it_is_superseded_while_detached) {
  fresh.on_bound(bound(5), turn(0, false), lease);
  fresh.become(binding::phase::detached);
  EXPECT_EQ(fresh.word(), hold_word::gone);
  EXPECT_EQ(fresh.on_superseded(6), binding::effect::end);
}

TEST_F(binding_of_a_session, asks_the_session_before_for_its_state_before_that_one_is_told) {
  EXPECT_EQ(resuming.on_bound(bound(5, elsewhere), turn(0, false), lease), binding::answer::resuming);
  EXPECT_EQ(resuming.where(), binding::phase::resuming);
  ASSERT_EQ(messages.questions.size(), 1u);
  auto &[at, question] = messages.questions[0];
  EXPECT_EQ(at.inc, 9u);
  EXPECT_EQ(at.loop, 1);
  EXPECT_EQ(question->to, token->session);
  EXPECT_EQ(question->newer, 5u);
  EXPECT_EQ(question->proof, proof_of(token->secret, me->account));
  EXPECT_EQ(directory.superseded.size(), 1u);
}

TEST_F(binding_of_a_session, does_not_ask_where_no_session_can_be) {
  token->session.loop = 2; // a node with two loops has 0 and 1
  EXPECT_EQ(binding{token}.on_bound(bound(5), turn(0, false), lease), binding::answer::live);
  token = resume_token{9, ref, {}}; // itself
  EXPECT_EQ(binding{token}.on_bound(bound(5), turn(0, false), lease), binding::answer::live);
  token = resume_token{33, {7, 1, 1}, {}}; // a node without a link
  EXPECT_EQ(binding{token}.on_bound(bound(5), turn(0, false), lease), binding::answer::live);
  EXPECT_TRUE(messages.questions.empty());
  messages.links.insert(33);
  EXPECT_EQ(binding{token}.on_bound(bound(5), turn(0, false), lease), binding::answer::resuming);
}

TEST_F(binding_of_a_session, knows_a_refused_bind_from_one_of_unknown_outcome) {
  EXPECT_EQ(fresh.on_bound({errc::unavailable, 0, caf::none}, turn(0, false), lease),
            binding::answer::refused);
  EXPECT_EQ(fresh.on_bound({errc::timed_out, 0, caf::none}, turn(0, false), lease), binding::answer::unknown);
  EXPECT_TRUE(directory.given_back.empty());
}

TEST_F(binding_of_a_session, takes_back_a_record_of_its_own_that_a_lost_answer_left) {
  storage::record own{me->device, me->account, {node, inc, ref, 8}};
  EXPECT_FALSE(fresh.on_record_found({errc::none, own}, turn(0, false), lease));
  ASSERT_EQ(directory.given_back_unknown.size(), 1u);
  EXPECT_EQ(directory.given_back_unknown[0].ep, 8u);
}

TEST_F(binding_of_a_session, leaves_anothers_record_alone) {
  storage::record other{me->device, me->account, elsewhere};
  EXPECT_FALSE(fresh.on_record_found({errc::none, other}, turn(0, false), lease));
  EXPECT_FALSE(fresh.on_record_found({errc::none, caf::none}, turn(0, false), lease));
  EXPECT_TRUE(directory.given_back_unknown.empty());
}

TEST_F(binding_of_a_session, looks_ten_times_for_its_record_and_no_more) {
  for (int i = 1; i < 10; ++i)
    EXPECT_TRUE(fresh.on_record_found({errc::unavailable, caf::none}, turn(0, false), lease)) << i;
  EXPECT_FALSE(fresh.on_record_found({errc::unavailable, caf::none}, turn(0, false), lease));
}

TEST_F(binding_of_a_session, answers_too_late_are_given_back_or_looked_for) {
  fresh.become(binding::phase::leaving);
  EXPECT_EQ(fresh.on_bound(bound(5), turn(0, false), lease), binding::answer::late);
  EXPECT_EQ(directory.given_back.size(), 1u);
  EXPECT_EQ(fresh.on_bound({errc::timed_out, 0, caf::none}, turn(0, false), lease), binding::answer::late);
  EXPECT_EQ(directory.calls, std::vector<std::string>{"watch_for_record"});
}

TEST_F(binding_of_a_session, that_is_given_up_takes_no_message_ever_again) {
  fresh.give_up();
  EXPECT_FALSE(fresh.takes_messages(0));
  EXPECT_EQ(fresh.on_bound(bound(5), turn(0, false), lease), binding::answer::given_up);
  EXPECT_FALSE(fresh.takes_messages(5));
}

TEST_F(binding_of_a_session, adopts_a_newer_epoch_only_while_it_holds_the_device) {
  fresh.adopt(9);
  EXPECT_EQ(fresh.ep(), 0u);
  fresh.on_bound(bound(5), turn(0, false), lease);
  fresh.become(binding::phase::live);
  fresh.adopt(9);
  EXPECT_EQ(fresh.ep(), 9u);
  fresh.adopt(7);
  EXPECT_EQ(fresh.ep(), 9u);
  fresh.supersede(10);
  fresh.adopt(11);
  EXPECT_EQ(fresh.ep(), 9u);
}
