// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/wire.hpp"

#include "tests/actors/delivery/wire_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using testing::ElementsAre;

namespace {

using texts = std::vector<std::string>;

std::string batch_of_all() {
  std::string batch;
  for (auto &item : all_items(at_a().now))
    encode(batch, item, at_a());
  return batch;
}

/// What `b` should see of all items of `a`.
texts told_by_a() {
  texts all;
  for (auto &item : all_items(at_a().now))
    all.push_back(text_of(item, at_a(), true));
  return all;
}

envelope_ptr delivered(lane_item item, const wire_link &from, const wire_link &to) {
  envelope_ptr e;
  EXPECT_FALSE(decode(encoded(std::move(item), from), to, [&](lane_item &got) {
    if (auto *x = std::get_if<items::deliver>(&got))
      e = std::move(x->what);
    if (auto *x = std::get_if<items::bounce>(&got))
      e = std::move(x->what);
  }));
  return e;
}

outcome settled(outcome x, const wire_link &from, const wire_link &to) {
  outcome result;
  EXPECT_FALSE(decode(encoded(items::settle{1, false, std::move(x)}, from), to,
                      [&](lane_item &got) { result = std::get<items::settle>(got).result; }));
  return result;
}

} // namespace

// -- round trips ----

TEST(wire, every_item_comes_out_as_it_went_in) {
  EXPECT_EQ(decoded(batch_of_all(), at_b()), told_by_a());
}

TEST(wire, no_bytes_are_a_batch_without_items) {
  EXPECT_TRUE(decoded("", at_b()).empty());
}

TEST(wire, what_never_leaves_a_node_appends_nothing) {
  auto lost = std::make_unique<items::route_lost>(items::route_lost{device_id::trusted("phone"), 1});
  EXPECT_EQ(encoded(std::move(lost), at_a()), "");
}

TEST(wire, messages_of_one_sender_in_a_batch_share_it) {
  std::string batch;
  for (int i = 0; i < 3; ++i)
    batch += encoded(items::deliver{{}, 1, i == 1 ? plain_envelope(at_a().now) : full_envelope(at_a().now)},
                     at_a());
  std::vector<std::shared_ptr<const sender>> senders;
  ASSERT_FALSE(decode(
      batch, at_b(), [&](lane_item &item) { senders.push_back(std::get<items::deliver>(item).what->from); }));
  ASSERT_EQ(senders.size(), 3u);
  ASSERT_TRUE(senders[0]);
  EXPECT_FALSE(senders[1]);
  EXPECT_EQ(senders[0], senders[2]);
}

TEST(wire, two_senders_stay_two) {
  auto first = full_envelope(at_a().now);
  auto second = full_envelope(at_a().now);
  auto other = *first->from;
  other.allowed = nullptr;
  second->from = std::make_shared<const sender>(other);
  auto batch = encoded(items::deliver{{}, 1, std::move(first)}, at_a()) +
               encoded(items::deliver{{}, 1, std::move(second)}, at_a());
  std::vector<bool> have_grants;
  ASSERT_FALSE(decode(batch, at_b(), [&](lane_item &item) {
    have_grants.push_back(std::get<items::deliver>(item).what->from->allowed != nullptr);
  }));
  EXPECT_THAT(have_grants, ElementsAre(true, false));
}

TEST(wire, what_was_taken_can_be_told_again) {
  std::string again;
  ASSERT_FALSE(decode(batch_of_all(), at_b(), [&](lane_item &item) { encode(again, item, at_b()); }));
  // Back where it came from, every place of `a` is its own again.
  std::string once_more;
  ASSERT_FALSE(decode(again, at_a(), [&](lane_item &item) { encode(once_more, item, at_a()); }));
  EXPECT_EQ(once_more, batch_of_all());
}

TEST(wire, a_batch_that_is_cut_short_gives_its_whole_items) {
  auto batch = batch_of_all();
  auto whole = told_by_a();
  for (size_t size = 0; size < batch.size(); size += 7) {
    texts taken;
    auto err = decode({batch.data(), size}, at_b(),
                      [&](lane_item &item) { taken.push_back(text_of(item, at_b())); });
    ASSERT_LE(taken.size(), whole.size());
    ASSERT_TRUE(std::equal(taken.begin(), taken.end(), whole.begin())) << size;
  }
}

// -- clocks ----

TEST(wire, a_deadline_is_as_far_away_on_a_clock_that_differs) {
  auto sent = plain_envelope(at_a().now);
  sent->deadline = at_a().now + 5s;
  sent->expires = at_a().now - 1us;
  auto e = delivered(items::deliver{{}, 1, std::move(sent)}, at_a(), at_b());
  ASSERT_TRUE(e);
  EXPECT_EQ(e->deadline, at_b().now + 5s);
  EXPECT_EQ(e->expires, at_b().now - 1us);
}

TEST(wire, what_never_ends_never_ends_there_either) {
  auto e = delivered(items::deliver{{}, 1, plain_envelope(at_a().now)}, at_a(), at_b());
  ASSERT_TRUE(e);
  EXPECT_EQ(e->deadline, time_point::max());
  EXPECT_EQ(e->expires, time_point::max());
}

TEST(wire, a_time_beyond_any_clock_stays_on_its_side_of_now) {
  auto sent = plain_envelope(at_a().now);
  sent->deadline = time_point::max() - 1ns;
  sent->expires = time_point::min();
  auto link = at_a();
  link.now = {};
  auto e = delivered(items::deliver{{}, 1, std::move(sent)}, link, at_b());
  ASSERT_TRUE(e);
  EXPECT_GT(e->deadline, at_b().now + 24h * 365 * 30);
  EXPECT_LT(e->expires, at_b().now - 24h * 365 * 30);
}

TEST(wire, a_bounce_brings_the_time_of_acceptance_back_to_the_origin) {
  auto sent = full_envelope(at_a().now);
  sent->accepted_at = at_a().now - 250us;
  auto there = delivered(items::deliver{{}, 1, std::move(sent)}, at_a(), at_b());
  ASSERT_TRUE(there);
  auto b = at_b();
  b.now += 40us;
  auto a = at_a();
  a.now += 90us; // 50 us on the path are nobody's
  auto back = delivered(items::bounce{{b.self, b.own, {}, 1}, std::move(there)}, b, a);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->accepted_at, a.now - 290us);
  EXPECT_EQ(back->answer_to.at, (place{0, 0, 65535}));
}

TEST(wire, an_idempotency_key_keeps_its_age) {
  auto state = std::make_unique<session_state>();
  state->keys.adopt({{device_id{}, "k", 1, at_a().now - 100s, verdict::written, {}}}, at_a().now, limits{});
  std::unique_ptr<session_state> got;
  ASSERT_FALSE(decode(encoded(items::handed_over{{}, std::move(state)}, at_a()), at_b(),
                      [&](lane_item &item) { got = std::move(std::get<items::handed_over>(item).state); }));
  ASSERT_TRUE(got);
  auto entries = got->keys.take_entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].when, at_b().now - 100s);
}

// -- places ----

TEST(wire, a_place_of_the_sending_node_is_known_by_its_incarnation_and_link) {
  auto e = delivered(items::deliver{{}, 1, full_envelope(at_a().now)}, at_a(), at_b());
  ASSERT_TRUE(e);
  EXPECT_EQ(e->answer_to.at, (place{at_a().own, at_b().link_epoch, 65535}));
}

TEST(wire, a_place_of_a_third_node_belongs_to_no_link) {
  auto sent = full_envelope(at_a().now);
  sent->answer_to.at = {third, 44, 2};
  auto e = delivered(items::deliver{{}, 1, std::move(sent)}, at_a(), at_b());
  ASSERT_TRUE(e);
  EXPECT_EQ(e->answer_to.at, (place{third, 0, 2}));
}

TEST(wire, an_outcome_without_a_node_was_written_by_the_node_that_tells_it) {
  outcome x;
  x.by.ep = 7;
  EXPECT_EQ(settled(x, at_a(), at_b()).by, (via{node_id::trusted("a"), 7}));
}

TEST(wire, an_outcome_without_a_connection_names_no_node) {
  EXPECT_EQ(settled({}, at_a(), at_b()).by, via{});
}

// -- details ----

TEST(wire, a_detail_is_the_same_static_sentence_on_the_other_node) {
  outcome x;
  std::string copy{details::other_body};
  x.detail = copy.c_str();
  EXPECT_EQ(settled(x, at_a(), at_b()).detail, details::other_body);
}

TEST(wire, an_unknown_detail_is_left_out) {
  outcome x;
  x.detail = "the moon is full";
  EXPECT_EQ(settled(x, at_a(), at_b()).detail, nullptr);
}
