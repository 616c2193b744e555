// SPDX-License-Identifier: Apache-2.0
#include "cluster/idempotency.hpp"

#include <gtest/gtest.h>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr time_point t0{1h};

struct idempotency_test : testing::Test {
  idempotency keys;
  limits lim;
  device_id alice = device_id::trusted("alice");
  via here{node_id::trusted("n"), 7};

  key_state begin(const std::string &key, uint64_t digest = 1, time_point now = t0) {
    return keys.begin(alice, key, digest, now, lim).what;
  }
  void settle(const std::string &key, verdict v) { keys.settle(alice, key, v, here); }
  void remember(const std::string &key, time_point now = t0) {
    ASSERT_EQ(begin(key, 1, now), key_state::fresh);
    settle(key, verdict::written);
  }
};

TEST_F(idempotency_test, costs_one_pointer_until_it_is_used) {
  EXPECT_EQ(sizeof(idempotency), sizeof(void *));
  EXPECT_EQ(keys.size(), 0u);
}

TEST_F(idempotency_test, is_in_progress_until_the_first_message_has_its_verdict) {
  EXPECT_EQ(begin("k"), key_state::fresh);
  EXPECT_EQ(begin("k"), key_state::in_progress);
  settle("k", verdict::written);
  EXPECT_EQ(begin("k"), key_state::duplicate);
}

TEST_F(idempotency_test, tells_the_first_verdict_and_its_connection) {
  remember("k");
  auto answer = keys.begin(alice, "k", 1, t0, lim);
  EXPECT_EQ(answer.what, key_state::duplicate);
  EXPECT_EQ(answer.first, verdict::written);
  EXPECT_EQ(answer.by, here);
}

TEST_F(idempotency_test, remembers_exactly_what_reached_a_socket_or_a_store) {
  for (size_t i = 0; i < verdict_count; ++i) {
    auto v = static_cast<verdict>(i);
    auto reached = v == verdict::written || v == verdict::acked || v == verdict::stored;
    auto key = std::string{to_string(v)};
    ASSERT_EQ(begin(key), key_state::fresh);
    settle(key, v);
    EXPECT_EQ(begin(key), reached ? key_state::duplicate : key_state::fresh) << key;
  }
}

TEST_F(idempotency_test, upgrades_written_to_acked) {
  remember("k");
  keys.settle(alice, "k", verdict::acked, via{node_id::trusted("n"), 8});
  auto answer = keys.begin(alice, "k", 1, t0, lim);
  EXPECT_EQ(answer.first, verdict::acked);
  EXPECT_EQ(answer.by.ep, 8u);
  settle("k", verdict::written);
  EXPECT_EQ(keys.begin(alice, "k", 1, t0, lim).first, verdict::acked);
}

TEST_F(idempotency_test, does_not_forget_a_written_message_that_was_never_acknowledged) {
  remember("k");
  settle("k", verdict::unreachable);
  EXPECT_EQ(begin("k"), key_state::duplicate);
}

TEST_F(idempotency_test, keeps_keys_of_different_senders_apart) {
  remember("k");
  EXPECT_EQ(keys.begin(device_id::trusted("bob"), "k", 1, t0, lim).what, key_state::fresh);
  EXPECT_EQ(keys.begin(device_id{}, "k", 1, t0, lim).what, key_state::fresh);
  EXPECT_EQ(begin("k"), key_state::duplicate);
}

TEST_F(idempotency_test, refuses_another_body_under_a_key) {
  EXPECT_EQ(begin("k", 1), key_state::fresh);
  EXPECT_EQ(begin("k", 2), key_state::other_body);
  settle("k", verdict::written);
  EXPECT_EQ(begin("k", 2), key_state::other_body);
  EXPECT_EQ(begin("k", 1), key_state::duplicate);
}

TEST_F(idempotency_test, forgets_a_key_when_its_window_ends) {
  remember("k");
  EXPECT_EQ(begin("k", 1, t0 + lim.idempotency_window - 1ms), key_state::duplicate);
  EXPECT_EQ(begin("k", 1, t0 + lim.idempotency_window), key_state::fresh);
}

TEST_F(idempotency_test, frees_a_key_in_progress_only_when_no_message_can_live_so_long) {
  lim.idempotency_window = 1s;
  ASSERT_EQ(begin("k"), key_state::fresh);
  EXPECT_EQ(begin("k", 1, t0 + lim.max_timeout), key_state::in_progress);
  EXPECT_EQ(begin("k", 1, t0 + 2 * lim.max_timeout), key_state::fresh);
}

TEST_F(idempotency_test, forgets_the_oldest_settled_key_for_a_new_one) {
  lim.idempotency_keys = 3;
  ASSERT_EQ(begin("busy"), key_state::fresh);
  remember("old", t0 + 1s);
  remember("new", t0 + 2s);
  EXPECT_EQ(begin("next", 1, t0 + 3s), key_state::fresh);
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(begin("busy", 1, t0 + 3s), key_state::in_progress);
  EXPECT_EQ(begin("new", 1, t0 + 3s), key_state::duplicate);
}

TEST_F(idempotency_test, is_full_where_every_key_is_in_progress) {
  lim.idempotency_keys = 2;
  ASSERT_EQ(begin("a"), key_state::fresh);
  ASSERT_EQ(begin("b"), key_state::fresh);
  EXPECT_EQ(begin("c"), key_state::full);
  EXPECT_EQ(begin("a"), key_state::in_progress);
  settle("a", verdict::offline);
  EXPECT_EQ(begin("c"), key_state::fresh);
}

TEST_F(idempotency_test, ignores_a_verdict_for_an_unknown_key) {
  settle("never", verdict::written);
  EXPECT_EQ(keys.size(), 0u);
  EXPECT_EQ(begin("never"), key_state::fresh);
}

TEST_F(idempotency_test, hands_everything_over_in_order_and_is_empty_then) {
  remember("a");
  ASSERT_EQ(begin("b"), key_state::fresh);
  remember("c");
  auto taken = keys.take_entries();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].key, "a");
  EXPECT_EQ(taken[1].key, "b");
  EXPECT_EQ(taken[2].key, "c");
  EXPECT_EQ(keys.size(), 0u);
}

TEST_F(idempotency_test, does_not_deliver_again_what_was_in_progress_when_it_was_handed_over) {
  for (auto v : {verdict::written, verdict::offline}) {
    idempotency heir;
    ASSERT_EQ(begin("k"), key_state::fresh);
    heir.adopt(keys.take_entries(), t0, lim);
    EXPECT_EQ(heir.begin(alice, "k", 1, t0, lim).what, key_state::in_progress);
    EXPECT_EQ(heir.begin(alice, "k", 2, t0, lim).what, key_state::other_body);
    heir.settle(alice, "k", v, here);
    EXPECT_EQ(heir.begin(alice, "k", 1, t0, lim).what,
              v == verdict::written ? key_state::duplicate : key_state::fresh);
  }
}

TEST_F(idempotency_test, adopts_within_its_bounds_and_prefers_what_it_knows) {
  lim.idempotency_keys = 2;
  remember("mine", t0 + 3s);
  std::vector<idempotency::entry> others;
  others.push_back({alice, "mine", 9, t0, verdict::acked, here});
  others.push_back({alice, "older", 1, t0 + 1s, verdict::written, here});
  others.push_back({alice, "newer", 1, t0 + 2s, verdict::written, here});
  others.push_back({alice, "lost", 1, t0 + 2s, verdict::offline, here});
  others.push_back({alice, "ancient", 1, t0 - lim.idempotency_window, verdict::written, here});
  keys.adopt(std::move(others), t0 + 3s, lim);
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_EQ(begin("mine", 1, t0 + 3s), key_state::duplicate);
  EXPECT_EQ(begin("newer", 1, t0 + 3s), key_state::duplicate);
}

TEST_F(idempotency_test, adopts_nothing_from_an_empty_session) {
  keys.adopt(idempotency{}.take_entries(), t0, lim);
  EXPECT_EQ(keys.size(), 0u);
}

} // namespace
} // namespace stentor
