// SPDX-License-Identifier: Apache-2.0
#include "actors/session/inbound.hpp"

#include "tests/actors/session/session_parts.hpp"

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

struct inbound_of_a_session : test::session_parts {
  inbound in;
  ledger book;
  std::string input; ///< of the frame read last
  net::client_frame frame;
  std::string text;

  inbound::reading read(std::string body, session_turn &t) {
    input = std::move(body);
    auto size = input.size();
    input.resize(size + net::event_loop::read_slack);
    return in.read({input.data(), size}, frame, text, t);
  }
  inbound::reading read(std::string body) {
    auto t = turn();
    return read(std::move(body), t);
  }
  void send(std::string body) {
    auto t = turn();
    ASSERT_EQ(read(std::move(body), t), inbound::reading::good);
    in.send(frame, book, t);
  }
  std::string last_verdict() const { return frames("verdict").back().at("verdict"); }
};

} // namespace

TEST_F(inbound_of_a_session, keeps_frames_in_order_until_the_welcome) {
  ASSERT_TRUE(in.is_early());
  EXPECT_TRUE(in.keep(std::string_view{"one"}, lim));
  EXPECT_TRUE(in.keep(std::string_view{"two"}, lim));
  EXPECT_EQ(in.take_early(), (std::vector<std::string>{"one", "two"}));
  EXPECT_FALSE(in.is_early());
  EXPECT_TRUE(in.take_early().empty());
}

TEST_F(inbound_of_a_session, keeps_no_more_than_64_frames_or_one_frames_bytes) {
  for (int i = 0; i < 64; ++i)
    ASSERT_TRUE(in.keep(std::string_view{"x"}, lim));
  EXPECT_FALSE(in.keep(std::string_view{"x"}, lim));
  inbound other;
  std::string half(lim.max_frame_bytes / 2, 'x');
  EXPECT_TRUE(other.keep(half, lim));
  EXPECT_TRUE(other.keep(half, lim));
  EXPECT_FALSE(other.keep(std::string_view{"x"}, lim));
}

TEST_F(inbound_of_a_session, a_frame_that_is_not_well_formed_is_broken_and_answered) {
  EXPECT_EQ(read("{"), inbound::reading::broken);
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(frames("error").at(0).at("code"), "malformed");
}

TEST_F(inbound_of_a_session, the_tenth_bad_frame_is_the_last) {
  for (int i = 1; i < 10; ++i)
    EXPECT_EQ(read(R"({"t":"nothing"})"), inbound::reading::bad) << i;
  EXPECT_EQ(read(R"({"t":"nothing"})"), inbound::reading::broken);
  EXPECT_EQ(frames("error").size(), 10u);
}

TEST_F(inbound_of_a_session, bad_frames_of_a_session_that_leaves_are_counted_and_not_answered) {
  auto leaving = turn(5, false);
  EXPECT_EQ(read("{", leaving), inbound::reading::bad);
  EXPECT_TRUE(device.frames.empty());
}

TEST_F(inbound_of_a_session, hands_a_message_in_with_its_deadline_and_the_entry_of_its_verdict) {
  send(R"({"t":"send","id":"7","to":"b","data":[1],"timeout_ms":2000,"key":"k"})");
  ASSERT_EQ(messages.submitted.size(), 1u);
  auto &e = *messages.submitted[0];
  EXPECT_EQ(e.to.str(), "b");
  EXPECT_EQ(*e.data, "[1]");
  EXPECT_EQ(e.deadline, now + 2s);
  EXPECT_EQ(e.expires, time_point::max());
  EXPECT_EQ(e.key, "k");
  EXPECT_NE(e.key_digest, 0u);
  EXPECT_EQ(e.from.get(), me.get());
  EXPECT_EQ(e.answer_to.correlation, 7u);
  ASSERT_EQ(messages.opened.size(), 1u);
  EXPECT_EQ(messages.opened[0].message, e.id);
  auto t = turn();
  owed_verdict written;
  written.result.what = verdict::written;
  book.on_verdict(e.id, std::move(written), t);
  EXPECT_EQ(frames("verdict").at(0).at("id"), "7");
}

TEST_F(inbound_of_a_session, a_message_for_which_nobody_waits_opens_no_entry) {
  send(R"({"t":"send","to":"b","data":1,"want":"none"})");
  ASSERT_EQ(messages.submitted.size(), 1u);
  EXPECT_EQ(messages.submitted[0]->answer_to.correlation, 0u);
  EXPECT_TRUE(messages.opened.empty());
}

TEST_F(inbound_of_a_session, no_timeout_is_longer_than_the_longest) {
  send(R"({"t":"send","id":"7","to":"b","data":1,"timeout_ms":2000000000})");
  EXPECT_EQ(messages.submitted.at(0)->deadline, now + lim.max_timeout);
}

TEST_F(inbound_of_a_session, a_message_without_room_for_its_verdict_is_congested) {
  messages.next_correlation = 0;
  send(R"({"t":"send","id":"7","to":"b","data":1})");
  EXPECT_TRUE(messages.submitted.empty());
  EXPECT_EQ(last_verdict(), "congested");
}

TEST_F(inbound_of_a_session, an_account_message_goes_to_the_accounts_port_with_its_own_id) {
  send(R"({"t":"send","id":"7","to":{"account":"home","except_me":true},"data":1})");
  ASSERT_EQ(accounts.jobs.size(), 1u);
  EXPECT_EQ(accounts.jobs[0].account.str(), "home");
  EXPECT_EQ(accounts.jobs[0].except, me->device);
  EXPECT_TRUE(messages.opened.empty()) << "its copies open their own";
}

TEST_F(inbound_of_a_session, another_account_is_refused) {
  send(R"({"t":"send","id":"7","to":{"account":"other"},"data":1})");
  EXPECT_TRUE(accounts.jobs.empty());
  EXPECT_EQ(last_verdict(), "refused");
}

TEST_F(inbound_of_a_session, the_rate_limits_every_frame_and_answers_each_in_its_way) {
  lim.message_burst = 1;
  auto t = turn();
  ASSERT_EQ(read(R"({"t":"devices"})", t), inbound::reading::good);
  EXPECT_TRUE(in.admit(frame, book, t));
  EXPECT_FALSE(in.admit(frame, book, t));
  EXPECT_EQ(frames("error").at(0).at("code"), "overloaded");
  ASSERT_EQ(read(R"({"t":"send","id":"7","to":"b","data":1})", t), inbound::reading::good);
  EXPECT_FALSE(in.admit(frame, book, t));
  EXPECT_EQ(last_verdict(), "limited");
  now += 1s;
  auto later = turn();
  EXPECT_TRUE(in.admit(frame, book, later));
}

TEST_F(inbound_of_a_session, an_ack_ends_the_message_it_names_and_no_other) {
  auto e = message(1, want::acked);
  auto name = to_chars(e->id);
  book.reserve(*e);
  book.await_ack(std::move(e));
  now += 2ms;
  in.ack("nonsense", book, turn());
  EXPECT_TRUE(messages.finished.empty());
  in.ack({name.data(), name.size()}, book, turn());
  ASSERT_EQ(messages.verdicts(), std::vector{verdict::acked});
  EXPECT_EQ(messages.finished[0].result.target_us, 2000u);
  in.ack({name.data(), name.size()}, book, turn());
  EXPECT_EQ(messages.finished.size(), 1u);
}
