// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/mesh.hpp"

#include "tests/actors/mesh/child_process.hpp"
#include "tests/actors/mesh/mesh_fixture.hpp"

#include <gtest/gtest.h>

namespace stentor::actors::test {

namespace {

using namespace std::chrono_literals;

// -- forming ----

TEST(mesh, two_nodes_link_and_agree_on_the_epoch) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true));
  ASSERT_TRUE(b.hears(a, true));
  auto at_a = a.news_of(b).back().news, at_b = b.news_of(a).back().news;
  EXPECT_EQ(at_a.link_epoch, at_b.link_epoch);
  EXPECT_EQ(at_a.inboxes.size(), 1);
  EXPECT_EQ(at_b.routers.size(), 1);
  EXPECT_EQ(a.counters().up, 1);
}

TEST(mesh, three_nodes_form_a_full_mesh) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}}, c{{.name = "c", .inc = 3}};
  std::vector<mesh_node *> all{&a, &b, &c};
  introduce(all);
  for (auto *x : all)
    for (auto *y : all)
      if (x != y) {
        EXPECT_TRUE(x->hears(*y, true)) << x->options().name << " of " << y->options().name;
      }
}

TEST(mesh, batches_between_hosted_actors_arrive_in_order) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  constexpr uint32_t count = 500;
  for (uint32_t i = 0; i < count; ++i)
    for (auto *from : {&a, &b}) {
      link_batch batch;
      batch.from = from->options().inc;
      batch.data_messages = i;
      batch.items = std::string(i, 'x');
      from->send(from == &a ? b : a, batch);
    }
  for (auto *x : {&a, &b}) {
    ASSERT_TRUE(x->sink().batches.wait([](auto &all) { return all.size() == count; }));
    auto got = x->sink().batches.all();
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(got[i].data_messages, i);
      ASSERT_EQ(got[i].items.size(), i);
    }
  }
}

TEST(mesh, a_node_that_leaves_the_view_is_told_down_on_both_sides) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  a.view({a.lease()});
  EXPECT_TRUE(a.hears(b, false));
  EXPECT_TRUE(b.hears(a, false));
  EXPECT_EQ(a.news_of(b).back().news.reason, "left_view");
  // And is taken back when it returns.
  introduce({&a, &b});
  EXPECT_TRUE(a.hears(b, true, 2));
  EXPECT_TRUE(b.hears(a, true, 2));
}

TEST(mesh, peers_say_whether_they_can_renew) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}},
      c{{.name = "c", .inc = 3, .can_renew = false}};
  introduce({&a, &b, &c});
  ASSERT_TRUE(a.hears(b, true) && a.hears(c, true));
  caf::scoped_actor self{a.system()};
  self->send(caf::actor_cast<caf::actor>(a.mesh().mesh), poll_atom_v, uint64_t{7});
  std::vector<peer_answer> said;
  self->receive(
      [&](poll_atom, uint64_t round, const std::vector<peer_answer> &answers) {
        EXPECT_EQ(round, 7);
        said = answers;
      },
      caf::after(3s) >> [] { FAIL() << "no answers"; });
  ASSERT_EQ(said.size(), 2);
  EXPECT_EQ(said[0].can_renew, renew_word::yes);
  EXPECT_EQ(said[1].can_renew, renew_word::no);
}

// -- what does not fit ----

TEST(mesh, another_cluster_is_refused_before_it_is_a_link) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2, .cluster = "other", .app_cluster = "test"}};
  introduce({&a, &b});
  EXPECT_FALSE(a.hears(b, true, 1, 1s));
  EXPECT_EQ(a.counters().refused[static_cast<size_t>(peer_refusal::hello)], 1) << "retried slowly";
  EXPECT_EQ(b.counters().refused[static_cast<size_t>(peer_refusal::hello)], 1);
}

TEST(mesh, versions_that_share_none_are_refused_and_neighbours_link) {
  mesh_node a{{.name = "a", .inc = 1, .protocol = {1, 2}}};
  mesh_node b{{.name = "b", .inc = 2, .protocol = {2, 3}}};
  mesh_node c{{.name = "c", .inc = 3, .protocol = {3, 4}}};
  introduce({&a, &b, &c});
  EXPECT_TRUE(a.hears(b, true) && b.hears(c, true));
  EXPECT_FALSE(a.hears(c, true, 1, 500ms));
  EXPECT_EQ(c.counters().refused[static_cast<size_t>(peer_refusal::hello)], 1);
}

TEST(mesh, another_clusters_transport_is_refused) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2, .cluster = "other"}};
  introduce({&a, &b});
  EXPECT_FALSE(a.hears(b, true, 1, 1s));
  EXPECT_EQ(a.counters().refused[static_cast<size_t>(peer_refusal::hello)], 1);
}

// -- links that end ----

TEST(mesh, a_loop_may_have_a_link_severed_and_it_comes_back_under_a_new_epoch) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  auto first = a.news_of(b).back().news.link_epoch;
  b.sever(a, first);
  ASSERT_TRUE(b.hears(a, false) && a.hears(b, false));
  ASSERT_TRUE(a.hears(b, true, 2) && b.hears(a, true, 2));
  EXPECT_GT(a.news_of(b).back().news.link_epoch, first);
  b.sever(a, first); // late: that link is over
  link_batch batch;
  batch.from = 2;
  b.send(a, batch);
  EXPECT_TRUE(a.sink().batches.wait([](auto &all) { return !all.empty(); }));
  EXPECT_EQ(b.news_of(a).size(), 3) << "up, down, up";
}

TEST(mesh, a_stalled_link_is_told_within_1300_ms_severed_and_heals) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  auto first = a.news_of(b).back().news.link_epoch;
  auto began = std::chrono::steady_clock::now();
  between.stall(true);
  ASSERT_TRUE(a.hears(b, false) && b.hears(a, false));
  for (auto when : {a.news_of(b).back().at, b.news_of(a).back().at})
    EXPECT_LT(when - began, 1300ms);
  EXPECT_EQ(a.news_of(b).back().news.reason, "silent");
  between.stall(false);
  ASSERT_TRUE(a.hears(b, true, 2) && b.hears(a, true, 2));
  EXPECT_GT(a.news_of(b).back().news.link_epoch, first);
  EXPECT_EQ(a.news_of(b).back().news.link_epoch, b.news_of(a).back().news.link_epoch);
}

TEST(mesh, what_waits_for_a_stalled_link_is_bounded_and_given_back) {
  transport_limits lim;
  lim.max_unsent_bytes = 4 * 1024 * 1024;
  mesh_node a{{.name = "a", .inc = 1, .lim = lim}}, b{{.name = "b", .inc = 2}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  between.stall(true);
  link_batch batch;
  batch.items = std::string(256 * 1024, 'x');
  auto before = heap_bytes();
  for (int i = 0; i < 400; ++i)
    a.send(b, batch);
  ASSERT_TRUE(a.hears(b, false, 1, 900ms)) << "severed for what waits, before the pings say so";
  EXPECT_EQ(a.counters().overflows, 1);
  between.stall(false);
  ASSERT_TRUE(a.hears(b, true, 2));
  // 100 MB were handed over. Nobody tells when the last of it is freed.
  auto until = std::chrono::steady_clock::now() + 2s;
  while (heap_bytes() > before + 8 * 1024 * 1024 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(5ms);
  EXPECT_LT(heap_bytes(), before + 8 * 1024 * 1024);
}

TEST(mesh, a_cut_link_is_told_at_once_and_heals) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  between.cut();
  EXPECT_TRUE(a.hears(b, false, 1, 500ms));
  EXPECT_TRUE(b.hears(a, false, 1, 500ms));
  EXPECT_TRUE(a.hears(b, true, 2));
  EXPECT_TRUE(b.hears(a, true, 2));
}

TEST(mesh, news_of_a_link_come_in_turn) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  for (size_t round = 1; round <= 5; ++round) {
    ASSERT_TRUE(a.hears(b, true, round) && b.hears(a, true, round));
    between.cut();
    ASSERT_TRUE(a.hears(b, false, round) && b.hears(a, false, round));
  }
  for (auto &news : {a.news_of(b), b.news_of(a)})
    for (size_t i = 0; i < news.size(); ++i) {
      EXPECT_EQ(news[i].news.up, i % 2 == 0);
      if (i > 0) {
        EXPECT_EQ(news[i].news.link_epoch > news[i - 1].news.link_epoch, news[i].news.up);
      }
    }
}

TEST(mesh, a_killed_process_is_told_at_once_and_a_new_one_of_it_links) {
  mesh_node a{{.name = "a", .inc = 1}};
  for (size_t life = 1; life <= 2; ++life) {
    child_process b{{STENTOR_BINARY_DIR "/tests/mesh_peer", "serve"}};
    auto there = b.read_line();
    b.write_line("peer " + a.address());
    a.view({a.lease(), {node_id::trusted("b"), 2, 0, there, false}});
    ASSERT_TRUE(a.hears_of(2, true, life));
    b.signal(SIGKILL);
    ASSERT_TRUE(a.hears_of(2, false, life, 500ms));
    a.view({a.lease()});
  }
}

TEST(mesh, a_frozen_process_is_told_within_1300_ms_and_comes_back) {
  mesh_node a{{.name = "a", .inc = 1}};
  child_process b{{STENTOR_BINARY_DIR "/tests/mesh_peer", "serve"}};
  auto there = b.read_line();
  b.write_line("peer " + a.address());
  a.view({a.lease(), {node_id::trusted("b"), 2, 0, there, false}});
  ASSERT_TRUE(a.hears_of(2, true));
  b.signal(SIGSTOP);
  EXPECT_TRUE(a.hears_of(2, false, 1, 1300ms));
  b.signal(SIGCONT);
  EXPECT_TRUE(a.hears_of(2, true, 2));
}

TEST(mesh, a_node_that_stops_is_told_down_to_the_others) {
  mesh_node a{{.name = "a", .inc = 1}};
  {
    mesh_node b{{.name = "b", .inc = 2}};
    introduce({&a, &b});
    ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
    auto began = std::chrono::steady_clock::now();
    b.stop_mesh();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
    EXPECT_TRUE(a.hears(b, false, 1, 500ms));
  }
  EXPECT_EQ(a.counters().up, 0);
}

TEST(mesh, stops_while_it_connects_to_nobody) {
  mesh_node a{{.name = "a", .inc = 1}};
  // A port that accepts into its backlog and never speaks.
  stall_proxy silent{1};
  silent.stall(true);
  a.view({{node_id::trusted("b"), 2, 0, silent.address(), false}});
  auto began = std::chrono::steady_clock::now();
  a.stop_mesh();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
}

TEST(mesh, starts_a_peer_port_again_that_has_ended_and_links_with_it) {
  mesh_node a{{.name = "a", .inc = 1}}, b{{.name = "b", .inc = 2}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  size_t links = 1;
  for (auto *node : {&a, &b}) { // one dials, the other answers
    auto at_port = node->system().registry().get(stranger{node->port()}.read_port_actor());
    ASSERT_TRUE(at_port);
    caf::anon_send_exit(caf::actor_cast<caf::actor>(at_port), caf::exit_reason::kill);
    ASSERT_TRUE(node->troubles().wait([](auto &all) { return all.size() == 2; }));
    auto troubles = node->troubles().all();
    EXPECT_EQ(troubles[0], "the peer port has ended and is being restarted");
    EXPECT_EQ(troubles[1], "");
    EXPECT_EQ(node->counters().port_restarts, 1);
    ++links;
    EXPECT_TRUE(a.hears(b, true, links) && b.hears(a, true, links)) << node->options().name;
  }
  EXPECT_EQ(a.counters().begun, links) << "no link began on a port that had ended";
}

} // namespace

} // namespace stentor::actors::test
