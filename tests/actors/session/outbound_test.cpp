// SPDX-License-Identifier: Apache-2.0
#include "actors/session/outbound.hpp"

#include "tests/actors/session/session_parts.hpp"

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

struct outbound_of_a_session : test::session_parts {
  outbound out;
  ledger book;

  void deliver(envelope_ptr e) { out.deliver(std::move(e), book, turn()); }
  void written(size_t count) { out.on_written(count, book, turn()); }
};

} // namespace

TEST_F(outbound_of_a_session, a_message_is_written_only_when_the_kernel_has_its_frame) {
  deliver(message(1, want::written, R"({"x":1})"));
  ASSERT_EQ(frames("msg").size(), 1u);
  EXPECT_EQ(frames("msg")[0].at("data"), (nlohmann::json{{"x", 1}}));
  EXPECT_EQ(frames("msg")[0].at("from"), "phone");
  EXPECT_EQ(device.waited_for, std::vector<bool>{true});
  EXPECT_TRUE(messages.finished.empty());
  now += 3ms;
  written(1);
  ASSERT_EQ(messages.verdicts(), std::vector{verdict::written});
  EXPECT_EQ(messages.finished[0].result.by.ep, 5u);
  EXPECT_EQ(messages.finished[0].result.target_us, 3000u);
  EXPECT_TRUE(out.unwritten().empty());
}

TEST_F(outbound_of_a_session, marks_settle_messages_in_order_and_never_more_than_there_are) {
  deliver(message(1));
  deliver(message(2));
  deliver(message(3));
  written(2);
  EXPECT_EQ(messages.verdicts().size(), 2u);
  EXPECT_EQ(messages.finished[1].id, (message_id{2, 2}));
  EXPECT_EQ(out.unwritten().size(), 1u);
  written(5);
  EXPECT_EQ(messages.verdicts().size(), 3u);
}

TEST_F(outbound_of_a_session, a_message_that_wants_an_ack_waits_for_it_in_the_ledger) {
  deliver(message(1, want::acked));
  written(1);
  EXPECT_TRUE(messages.finished.empty());
  ASSERT_EQ(messages.notes.size(), 1u);
  EXPECT_EQ(messages.notes[0].second, stage::written);
  EXPECT_EQ(book.unacked(), 1u);
}

TEST_F(outbound_of_a_session, refuses_what_may_not_be_written_with_the_reason) {
  auto late = message(1);
  late->deadline = now;
  deliver(std::move(late));
  auto stale = message(2);
  stale->expires = now;
  deliver(std::move(stale));
  auto foreign = message(3);
  foreign->from = std::make_shared<const sender>(
      sender{device_id::trusted("phone"), account_id::trusted("other"), nullptr});
  deliver(std::move(foreign));
  deliver(message(4, want::written, "\"" + std::string(lim.max_frame_bytes, 'x') + "\""));
  auto foreign_type = message(5, want::written, std::string{"\xc7\x01\x05\x00", 4});
  foreign_type->data_format = format::msgpack;
  deliver(std::move(foreign_type));
  EXPECT_EQ(messages.verdicts(), (std::vector{verdict::unreachable, verdict::expired, verdict::refused,
                                              verdict::invalid, verdict::invalid}));
  EXPECT_EQ(messages.finished[3].result.detail, details::too_large);
  EXPECT_TRUE(device.frames.empty());
}

TEST_F(outbound_of_a_session, a_full_cork_is_congested_and_watched) {
  device.room = 10;
  deliver(message(1));
  EXPECT_EQ(messages.verdicts(), std::vector{verdict::congested});
  EXPECT_EQ(device.stall_watches, 1);
}

TEST_F(outbound_of_a_session, a_repeated_key_is_a_duplicate_of_the_first_verdict) {
  deliver(keyed(1, "k"));
  deliver(keyed(2, "k"));
  EXPECT_EQ(messages.finished[0].result.detail, details::in_progress);
  written(1);
  deliver(keyed(3, "k"));
  EXPECT_EQ(messages.finished[2].result.what, verdict::duplicate);
  EXPECT_EQ(messages.finished[2].result.first, verdict::written);
  deliver(keyed(4, "k", 2));
  EXPECT_EQ(messages.finished[3].result.detail, details::other_body);
  EXPECT_EQ(device.frames.size(), 1u);
}

TEST_F(outbound_of_a_session, a_refused_message_spends_no_key) {
  device.room = 10;
  deliver(keyed(1, "k"));
  device.room = 1 << 20;
  deliver(keyed(2, "k"));
  EXPECT_EQ(device.frames.size(), 1u);
}

TEST_F(outbound_of_a_session, a_connection_that_takes_nothing_sends_messages_back) {
  device.usable = false;
  deliver(message(1));
  ASSERT_EQ(messages.sent_back.size(), 1u);
  EXPECT_EQ(messages.sent_back[0].first, 5u);
  EXPECT_TRUE(messages.finished.empty());
}

TEST_F(outbound_of_a_session, the_latest_messages_go_back_in_order_and_free_their_room_and_keys) {
  deliver(message(1));
  auto wants_ack = message(2, want::acked);
  wants_ack->key = "k";
  deliver(std::move(wants_ack));
  deliver(message(3));
  out.send_back_last(2, book, turn());
  ASSERT_EQ(messages.sent_back.size(), 2u);
  EXPECT_EQ(messages.sent_back[0].second->id, (message_id{2, 2}));
  EXPECT_EQ(messages.sent_back[1].second->id, (message_id{2, 3}));
  EXPECT_EQ(out.unwritten().size(), 1u);
  deliver(keyed(4, "k"));
  EXPECT_EQ(frames("msg").size(), 4u) << "the key is free again";
}

TEST_F(outbound_of_a_session, at_the_end_every_message_has_its_verdict) {
  out.hold(message(1), 5, turn());
  deliver(message(2));
  out.settle_all(book, turn());
  EXPECT_EQ(messages.verdicts(), (std::vector{verdict::unreachable, verdict::unreachable}));
  EXPECT_TRUE(out.unwritten().empty());
  EXPECT_TRUE(out.take_held().empty());
}

TEST_F(outbound_of_a_session, holds_what_a_cork_would_and_no_more) {
  lim.max_cork_messages = 2;
  for (uint64_t n = 1; n <= 3; ++n)
    out.hold(message(n), n, turn());
  EXPECT_EQ(messages.verdicts(), std::vector{verdict::congested});
  EXPECT_EQ(messages.finished[0].id, (message_id{2, 3}));
  auto held = out.take_held();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[1].first, 2u);
  lim.max_cork_messages = 1024;
  lim.max_cork_bytes = message(1)->cost();
  out.hold(message(4), 1, turn());
  out.hold(message(5), 1, turn());
  EXPECT_EQ(messages.finished[1].id, (message_id{2, 5}));
}

TEST_F(outbound_of_a_session, held_messages_go_back_with_the_epoch_they_came_by) {
  out.hold(message(1), 3, turn());
  out.send_back_held(turn());
  ASSERT_EQ(messages.sent_back.size(), 1u);
  EXPECT_EQ(messages.sent_back[0].first, 3u);
}

TEST_F(outbound_of_a_session, a_resumed_device_gets_again_what_it_did_not_confirm) {
  deliver(message(1, want::acked));
  deliver(message(2, want::acked));
  written(2);
  EXPECT_TRUE(book.take_acked({2, 1}));
  device.frames.clear();
  device.waited_for.clear();
  out.redeliver(book, turn());
  ASSERT_EQ(frames("msg").size(), 1u);
  EXPECT_EQ(frames("msg")[0].at("ack"), true);
  EXPECT_EQ(device.waited_for, std::vector<bool>{false}) << "its verdict was told by the first write";
}

TEST_F(outbound_of_a_session, what_the_device_may_not_see_any_longer_is_not_redelivered) {
  deliver(message(1, want::acked));
  written(1);
  device.frames.clear();
  me = std::make_shared<const sender>(sender{me->device, account_id::trusted("other"), nullptr});
  out.redeliver(book, turn());
  EXPECT_TRUE(device.frames.empty());
}
