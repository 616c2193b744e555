// SPDX-License-Identifier: Apache-2.0
// The auditor of a node whose directory the test corrupts behind its back.
#include "actors/directory/auditor.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

namespace {

class auditor_of_a_node : public testing::Test {
protected:
  auditor_of_a_node() {
    auditor_deps deps;
    deps.inc = n_.context().inc;
    for (size_t i = 0; i < 2; ++i)
      deps.inboxes.push_back(caf::actor_cast<loop_inbox_actor>(n_.at(i).inbox().self()));
    deps.directory = n_.context().directory;
    deps.view = n_.context().view;
    deps.metrics = n_.context().metrics;
    deps.now = [this] { return n_.at(0).now(); };
    auditor_ = n_.system().spawn(auditor, std::move(deps));
  }
  ~auditor_of_a_node() override {
    caf::anon_send_exit(auditor_, caf::exit_reason::user_shutdown);
    n_.settle();
  }
  /// One step each second, as the pace of a single node has it: a round takes eight.
  void run(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      caf::anon_send(auditor_, tick_atom_v);
      n_.settle();
      n_.pass(1s);
    }
  }
  std::optional<storage::record> find(const std::string &name) {
    return *n_.store().lookup({device_id::trusted(name)}).at(0);
  }
  void unbind(const std::string &name) {
    n_.store().unbind({{device_id::trusted(name), find(name)->at.ep, n_.context().lease_until()}});
  }
  epoch bind(const std::string &name, const route &to) {
    return n_.store()
        .bind({{device_id::trusted(name), account_id::trusted("acme"), to, 0, n_.context().lease_until()}})
        .at(0)
        ->ep;
  }
  uint64_t repairs(disagreement x) { return metrics().repairs[static_cast<size_t>(x)]; }
  node_counters &metrics() { return n_.context().metrics->node(); }

  node n_;
  auditor_actor auditor_;
};

TEST_F(auditor_of_a_node, finds_nothing_where_all_is_well) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  run(20);
  EXPECT_EQ(metrics().audit_rounds, 2u);
  EXPECT_GE(metrics().audited, 4u) << "both in both rounds";
  EXPECT_EQ(metrics().disagreements, 0);
  for (auto count : {0, 1, 2})
    EXPECT_EQ(metrics().repairs[static_cast<size_t>(count)], 0u);
}

TEST_F(auditor_of_a_node, removes_a_record_whose_session_is_gone) {
  auto a = n_.join(0, "a");
  bind("ghost", {n_.context().id, n_.context().inc, {1, 500, 500}, 0});
  bind("no-loop", {n_.context().id, n_.context().inc, {9, 1, 1}, 0});
  run(1);
  EXPECT_TRUE(find("ghost"));
  run(17);
  EXPECT_FALSE(find("ghost"));
  EXPECT_FALSE(find("no-loop"));
  EXPECT_TRUE(find("a"));
  EXPECT_EQ(repairs(disagreement::orphan), 2u);
  run(8);
  EXPECT_EQ(metrics().disagreements, 0) << "the round after found nothing";
}

TEST_F(auditor_of_a_node, puts_a_removed_record_back_with_a_fresh_epoch) {
  auto a = n_.join(1, "a");
  auto before = find("a");
  unbind("a");
  run(2);
  EXPECT_FALSE(find("a"));
  run(6);
  ASSERT_TRUE(find("a"));
  EXPECT_EQ(find("a")->at.session, before->at.session);
  EXPECT_GT(find("a")->at.ep, before->at.ep) << "watchers were told that the old one ended";
  EXPECT_EQ(repairs(disagreement::missing), 1u);
  auto b = n_.join(0, "b");
  b->send({{"t", "send"}, {"id", "1"}, {"to", "a"}, {"data", 1}, {"want", "written"}});
  n_.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->close_code(), 0);
  EXPECT_EQ(b->verdict_of("1"), "written") << "and its session knows of it";
}

TEST_F(auditor_of_a_node, ends_a_session_whose_device_is_held_elsewhere) {
  auto a = n_.join(0, "a");
  ASSERT_TRUE(n_.store().renew({node_id::trusted("other"), 9, 0, {}, false}, 1h));
  auto newer = bind("a", {node_id::trusted("other"), 9, {0, 1, 1}, 0});
  run(8);
  n_.settle();
  a->read();
  EXPECT_EQ(a->close_code(), static_cast<uint16_t>(net::close_code::superseded));
  EXPECT_EQ(repairs(disagreement::elsewhere), 1u);
  ASSERT_TRUE(find("a"));
  EXPECT_EQ(find("a")->at.ep, newer) << "and the record is left alone";
}

TEST_F(auditor_of_a_node, leaves_records_of_other_incarnations_alone) {
  ASSERT_TRUE(n_.store().renew({node_id::trusted("other"), 9, 0, {}, false}, 1h));
  bind("x", {node_id::trusted("other"), 9, {0, 1, 1}, 0});
  run(20);
  EXPECT_TRUE(find("x"));
  EXPECT_EQ(repairs(disagreement::orphan), 0u);
}

TEST_F(auditor_of_a_node, judges_nothing_while_the_directory_is_away) {
  auto a = n_.join(0, "a");
  unbind("a");
  n_.context().view->outage = true;
  run(10);
  EXPECT_FALSE(find("a"));
  EXPECT_EQ(metrics().audit_rounds, 0u);
  n_.context().view->outage = false;
  run(9);
  EXPECT_FALSE(find("a")) << "sessions put themselves back first";
  run(8);
  EXPECT_TRUE(find("a"));
}

TEST_F(auditor_of_a_node, hurries_through_a_round_after_a_restore) {
  run(3);
  caf::anon_send(auditor_, settled_atom_v);
  n_.settle();
  run(2);
  EXPECT_EQ(metrics().audit_rounds, 1u) << "4,096 slots in two steps of 2,048";
  run(7);
  EXPECT_EQ(metrics().audit_rounds, 1u);
  run(1);
  EXPECT_EQ(metrics().audit_rounds, 2u) << "and then at its own pace";
}

} // namespace
