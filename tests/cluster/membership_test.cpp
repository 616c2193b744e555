// SPDX-License-Identifier: Apache-2.0
#include "cluster/membership.hpp"

#include <gtest/gtest.h>

namespace stentor {
namespace {

using namespace std::chrono_literals;

constexpr boot_time t0{1h};
constexpr directory_micros d0 = 1'000'000'000;

slot_node who(int n) {
  return {node_id::trusted("n" + std::to_string(n)), static_cast<incarnation>(n)};
}
member m(int n, bool draining = false) {
  return {who(n), "h:" + std::to_string(n), draining};
}

template <class T>
const T *get(const membership::actions &list) {
  for (const auto &a : list)
    if (auto *x = std::get_if<T>(&a))
      return x;
  return nullptr;
}

struct membership_rules : testing::Test {
  /// An answer at once, at `t0 + at`.
  renewal answer(std::chrono::milliseconds at, std::vector<member> view) {
    renewal r;
    r.sent_at = r.answered_at = t0 + at;
    r.now = d0 + std::chrono::microseconds{at}.count();
    r.until = r.now + 5'000'000;
    r.view = std::move(view);
    r.run_id = "run";
    return r;
  }
  /// Renews each second from `from` up to and including `to`.
  void renews(std::chrono::seconds from, std::chrono::seconds to, std::vector<member> view) {
    for (auto at = from; at <= to; at += 1s)
      node.on_renewed(answer(at, view));
  }
  membership::actions fail(std::chrono::milliseconds at) {
    return node.on_renewal_failed(renewal_failure::unavailable, t0 + at);
  }

  cluster_limits lim;
  membership node{m(1), lim};
};

TEST_F(membership_rules, renews_each_second_and_never_twice_at_once) {
  EXPECT_TRUE(get<do_renew>(node.tick(t0)));
  EXPECT_FALSE(get<do_renew>(node.tick(t0 + 1s)));
  node.on_renewed(answer(1s, {m(1)}));
  EXPECT_TRUE(get<do_renew>(node.tick(t0 + 1s)));
  node.on_renewed(answer(1100ms, {m(1)}));
  EXPECT_FALSE(get<do_renew>(node.tick(t0 + 1900ms)));
  EXPECT_TRUE(get<do_renew>(node.tick(t0 + 2s)));
}

TEST_F(membership_rules, counts_the_lease_from_when_the_renewal_was_sent) {
  auto r = answer(3s, {m(1)});
  r.sent_at = t0 + 1s;
  auto list = node.on_renewed(r);
  ASSERT_TRUE(get<do_publish>(list));
  EXPECT_EQ(get<do_publish>(list)->until, t0 + 6s);
  EXPECT_EQ(get<do_publish>(list)->asked_at, t0 + 1s);
  EXPECT_EQ(get<do_publish>(list)->directory_until, r.until);
}

TEST_F(membership_rules, takes_no_lease_from_an_answer_older_than_the_lease) {
  auto r = answer(30s, {m(1), m(2)});
  r.sent_at = t0;
  auto list = node.on_renewed(r);
  EXPECT_FALSE(get<do_publish>(list));
  EXPECT_FALSE(get<on_view>(list));
}

TEST_F(membership_rules, gives_slots_to_the_live_and_links_also_to_the_draining) {
  auto list = node.on_renewed(answer(0s, {m(1), m(2), m(3, true)}));
  ASSERT_TRUE(get<on_view>(list));
  EXPECT_EQ(get<on_view>(list)->slots, (std::vector{who(1), who(2)}));
  EXPECT_EQ(get<on_view>(list)->peers, (std::vector{m(2), m(3, true)}));
  EXPECT_FALSE(get<on_view>(node.on_renewed(answer(1s, {m(3, true), m(1), m(2)})))) << "nothing changed";
}

TEST_F(membership_rules, fences_at_the_leases_end_where_one_peer_can_renew) {
  node.on_link(who(2), link_health::up, t0);
  node.on_renewed(answer(0s, {m(1), m(2), m(3)}));
  auto list = fail(1s);
  ASSERT_TRUE(get<do_ask>(list));
  EXPECT_EQ(get<do_ask>(list)->whom, std::vector{who(2)});
  EXPECT_FALSE(get<do_publish>(node.on_peer_answer(get<do_ask>(list)->round, who(2), true, t0 + 1s)));
  EXPECT_FALSE(get<on_fenced>(node.tick(t0 + 4999ms)));
  ASSERT_TRUE(get<on_fenced>(node.tick(t0 + 5s)));
  EXPECT_TRUE(node.is_fenced());
}

TEST_F(membership_rules, goes_on_in_an_outage_that_all_answers_agree_on_and_says_so) {
  for (int n : {2, 3})
    node.on_link(who(n), link_health::up, t0);
  node.on_renewed(answer(0s, {m(1), m(2), m(3), m(4)})); // 4 cannot be asked
  for (int at = 1; at < 20; ++at) {
    auto now = t0 + std::chrono::seconds{at};
    auto asked = fail(std::chrono::seconds{at});
    ASSERT_TRUE(get<do_ask>(asked)) << at;
    auto round = get<do_ask>(asked)->round;
    EXPECT_FALSE(get<do_publish>(node.on_peer_answer(round, who(2), false, now)));
    auto list = node.on_peer_answer(round, who(3), false, now);
    ASSERT_TRUE(get<do_publish>(list)) << at;
    EXPECT_EQ(get<do_publish>(list)->until, now + 5s);
    EXPECT_EQ(get<on_outage>(list) != nullptr, at == 5) << at;
  }
  EXPECT_TRUE(node.is_outage());
  auto list = node.on_renewed(answer(20s, {m(1)}));
  ASSERT_TRUE(get<on_outage>(list));
  EXPECT_FALSE(get<on_outage>(list)->began);
  EXPECT_TRUE(get<do_restore>(list));
  EXPECT_FALSE(get<on_fenced>(list));
}

TEST_F(membership_rules, fences_where_there_are_others_and_nobody_answers) {
  node.on_link(who(2), link_health::up, t0);
  node.on_renewed(answer(0s, {m(1), m(2)}));
  ASSERT_TRUE(get<do_ask>(fail(4s)));
  EXPECT_FALSE(get<do_publish>(node.tick(t0 + 4500ms)));
  EXPECT_TRUE(get<on_fenced>(node.tick(t0 + 5s)));
}

TEST_F(membership_rules, takes_silence_from_no_one_for_an_outage) {
  node.on_renewed(answer(0s, {m(1)}));
  auto list = fail(1s);
  ASSERT_TRUE(get<do_publish>(list));
  EXPECT_EQ(get<do_publish>(list)->until, t0 + 6s);
}

TEST_F(membership_rules, lets_only_the_directory_free_a_node_that_is_fenced) {
  node.on_renewed(answer(0s, {m(1), m(2)}));
  fail(1s);
  ASSERT_TRUE(get<on_fenced>(node.tick(t0 + 6s)));
  node.on_link(who(2), link_health::up, t0 + 6s);
  EXPECT_FALSE(get<do_ask>(fail(7s)));
  auto list = node.on_renewed(answer(8s, {m(1), m(2)}));
  ASSERT_TRUE(get<on_fenced>(list));
  EXPECT_FALSE(get<on_fenced>(list)->fenced);
  EXPECT_TRUE(get<do_restore>(list));
}

TEST_F(membership_rules, does_not_trust_a_young_directory_that_gives_a_lost_lease_back) {
  node.on_renewed(answer(0s, {m(1), m(2)}));
  auto r = answer(20s, {m(1)});
  r.run_id = "another";
  r.uptime = 4s;
  EXPECT_FALSE(get<do_publish>(node.on_renewed(r)));
  EXPECT_FALSE(get<do_publish>(node.on_renewed(answer(25s, {m(1)}))));
  EXPECT_TRUE(get<do_publish>(node.on_renewed(answer(26s, {m(1)}))));
}

TEST_F(membership_rules, rejoins_where_it_was_declared_dead) {
  node.on_renewed(answer(0s, {m(1)}));
  auto list = node.on_renewal_failed(renewal_failure::dead, t0 + 1s);
  EXPECT_TRUE(get<do_revoke>(list));
  EXPECT_TRUE(get<do_rejoin>(list));
  EXPECT_TRUE(node.tick(t0 + 10s).empty());
  EXPECT_TRUE(node.on_renewed(answer(11s, {m(1)})).empty());
}

TEST_F(membership_rules, waits_for_the_lease_of_its_last_start_and_a_margin_and_says_so) {
  auto list = node.on_renewal_failed(renewal_failure::held, t0);
  ASSERT_TRUE(get<on_ready>(list));
  EXPECT_EQ(get<on_ready>(list)->word, "waiting for the lease of this node's last start");
  auto r = answer(3s, {m(1)});
  r.expired = {{{m(1).who.node, 0}, r.now - 1}};
  list = node.on_renewed(r);
  EXPECT_FALSE(get<do_publish>(list));
  EXPECT_TRUE(get<do_declare_dead>(list)) << "the directory gave us its lease";
  EXPECT_FALSE(get<do_publish>(node.on_renewed(answer(4s, {m(1)}))));
  EXPECT_TRUE(get<do_publish>(node.on_renewed(answer(5s, {m(1)}))));
}

TEST_F(membership_rules, declares_dead_who_has_neither_lease_nor_link) {
  node.on_link(who(3), link_health::up, t0);
  renews(0s, 12s, {m(1), m(2), m(3)});
  auto r = answer(13s, {m(1)});
  r.expired = {{who(2), r.now - 400'000}, {who(3), r.now - 3'000'000}};
  EXPECT_FALSE(get<do_declare_dead>(node.on_renewed(r))) << "within the margin, and linked";
  r.answered_at = r.sent_at = t0 + 14s;
  r.now += 1'000'000;
  auto list = node.on_renewed(r);
  ASSERT_TRUE(get<do_declare_dead>(list));
  EXPECT_EQ(get<do_declare_dead>(list)->who, who(2));
  node.on_link(who(3), link_health::down, t0 + 14s);
  r.expired = {r.expired[1]};
  list = node.on_renewed(r);
  ASSERT_TRUE(get<do_declare_dead>(list));
  EXPECT_EQ(get<do_declare_dead>(list)->who, who(3));
}

TEST_F(membership_rules, declares_nobody_dead_for_ten_seconds_after_a_gap_or_another_run) {
  auto expired = [&](std::chrono::milliseconds at, const char *run) {
    auto r = answer(at, {m(1)});
    r.run_id = run;
    r.expired = {{who(2), r.now - 60'000'000}};
    return get<do_declare_dead>(node.on_renewed(r)) != nullptr;
  };
  EXPECT_FALSE(expired(0s, "a")) << "a start is a gap";
  renews(1s, 0s, {});
  for (int at = 1; at < 10; ++at)
    ASSERT_FALSE(expired(std::chrono::seconds{at}, "a")) << at;
  EXPECT_TRUE(expired(10s, "a"));
  for (int at = 11; at < 21; ++at)
    ASSERT_FALSE(expired(std::chrono::seconds{at}, "b")) << at;
  EXPECT_TRUE(expired(21s, "b"));
  for (int at = 27; at < 37; ++at)
    ASSERT_FALSE(expired(std::chrono::seconds{at}, "b")) << at;
  EXPECT_TRUE(expired(37s, "b"));
}

TEST_F(membership_rules, declares_nobody_dead_for_a_lease_after_it_lost_a_renewal_itself) {
  renews(0s, 20s, {m(1)});
  auto buries = [&](std::chrono::milliseconds at) {
    auto r = answer(at, {m(1)});
    r.expired = {{who(2), d0 + 20'000'000}};
    return get<do_declare_dead>(node.on_renewed(r)) != nullptr;
  };
  node.on_renewal_failed(renewal_failure::late, t0 + 21s);
  EXPECT_TRUE(buries(21'500ms)) << "it was answered after all";
  node.on_renewal_failed(renewal_failure::timed_out, t0 + 23'700ms);
  EXPECT_FALSE(buries(24s)) << "the other may have lost one, too";
  EXPECT_FALSE(buries(28'999ms));
  EXPECT_TRUE(buries(29s));
}

TEST_F(membership_rules, keeps_linked_nodes_that_an_emptied_directory_does_not_list_yet) {
  for (int n : {2, 3})
    node.on_link(who(n), link_health::up, t0);
  renews(0s, 12s, {m(1), m(2), m(3), m(4)});
  auto list = [&](std::chrono::milliseconds at, std::vector<member> view) {
    auto r = answer(at, std::move(view));
    r.run_id = "empty";
    return node.on_renewed(r);
  };
  auto first = list(13s, {m(1)});
  EXPECT_TRUE(get<do_restore>(first));
  ASSERT_TRUE(get<on_view>(first));
  EXPECT_EQ(get<on_view>(first)->slots, (std::vector{who(1), who(2), who(3)})) << "4 has no link";
  EXPECT_FALSE(get<on_view>(list(14s, {m(1), m(2)})));
  auto late = list(18s, {m(1), m(2)});
  ASSERT_TRUE(get<on_view>(late));
  EXPECT_EQ(get<on_view>(late)->slots, (std::vector{who(1), who(2)})) << "3 had a lease's time to come back";
  EXPECT_EQ(get<on_view>(late)->peers, (std::vector{m(2), m(3)})) << "but is still talked to";
}

TEST_F(membership_rules, says_once_that_an_incarnation_is_over) {
  renews(0s, 12s, {m(1), m(2)});
  auto r = answer(13s, {m(1)});
  r.unswept = {{who(2), r.now - 2'000'000}};
  auto list = node.on_renewed(r);
  ASSERT_TRUE(get<on_dead>(list));
  EXPECT_EQ(get<on_dead>(list)->who, who(2));
  EXPECT_FALSE(get<on_dead>(node.on_renewed(r)));
}

TEST_F(membership_rules, says_whether_it_can_renew_only_from_what_it_knows) {
  EXPECT_EQ(node.can_renew(t0), std::nullopt);
  node.on_renewed(answer(0s, {m(1)}));
  EXPECT_EQ(node.can_renew(t0 + 1s), true);
  node.on_renewal_failed(renewal_failure::late, t0 + 2s);
  EXPECT_EQ(node.can_renew(t0 + 2s), false);
  EXPECT_EQ(node.can_renew(t0 + 8s), std::nullopt) << "frozen since";
}

TEST_F(membership_rules, leaves_the_slots_and_renews_at_once_when_it_drains) {
  node.tick(t0);
  node.on_renewed(answer(0s, {m(1), m(2)}));
  auto list = node.drain(t0 + 100ms);
  ASSERT_TRUE(get<on_view>(list));
  EXPECT_EQ(get<on_view>(list)->slots, std::vector{who(2)});
  ASSERT_TRUE(get<on_ready>(list));
  EXPECT_EQ(get<on_ready>(list)->word, "draining");
  list = node.tick(t0 + 100ms);
  ASSERT_TRUE(get<do_renew>(list));
  EXPECT_TRUE(get<do_renew>(list)->draining);
}

TEST(sweep_turns, begin_a_second_after_the_lease_and_pass_to_the_next_node_where_records_are_left) {
  cluster_limits lim;
  std::vector<slot_node> nodes{who(1), who(2), who(3)};
  std::vector<sweep_turns> turns(3);
  auto due_at = [&](std::chrono::milliseconds at) {
    std::vector<int> result;
    for (size_t i = 0; i < 3; ++i) {
      renewal r;
      r.answered_at = t0 + at;
      r.now = d0 + std::chrono::microseconds{at}.count();
      r.unswept = {{who(9), d0}};
      auto others = nodes;
      others.erase(others.begin() + static_cast<ptrdiff_t>(i));
      if (!turns[i].due(r, nodes[i], others, lim).empty())
        result.push_back(static_cast<int>(i));
    }
    return result;
  };
  EXPECT_TRUE(due_at(0ms).empty());
  EXPECT_TRUE(due_at(999ms).empty());
  auto first = due_at(1000ms);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(due_at(2000ms).empty());
  EXPECT_TRUE(due_at(4999ms).empty());
  auto second = due_at(5000ms);
  EXPECT_EQ(second.size(), 2u) << "the first once more, and the next one";
}

} // namespace
} // namespace stentor
