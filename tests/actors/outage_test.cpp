// SPDX-License-Identifier: Apache-2.0
// The directory is away for everyone, and comes back, empty or not: who stays reachable, what is told, and
// what stands in the directory afterwards.
#include "actors/directory/restores.hpp"
#include "actors/directory/router.hpp"

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json message(const std::string &id, const std::string &to, const json &data) {
  return {{"t", "send"}, {"id", id}, {"to", to}, {"data", data}};
}

class outage : public testing::Test {
protected:
  void begin() { n_.context().view->outage = true; }
  void end() {
    n_.context().view->outage = false;
    for (size_t i = 0; i < 2; ++i)
      caf::anon_send(caf::actor_cast<caf::actor>(n_.at(i).inbox().self()), put_back_atom_v);
    n_.settle();
  }
  /// What an empty restart leaves: no record of anybody.
  void lose_records() {
    for (auto name : {"a", "b", "c"}) {
      auto found = n_.store().lookup({device_id::trusted(name)}).at(0);
      if (found && *found)
        n_.store().unbind({{device_id::trusted(name), (*found)->at.ep, n_.context().lease_until()}});
    }
  }

  node n_;
};

TEST_F(outage, a_warm_route_loses_nothing) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  a->send(message("1", "b", 1));
  n_.settle();
  begin();
  a->send(message("2", "b", 2));
  n_.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->verdict_of("2"), "written");
  EXPECT_EQ(b->data(), (std::vector<json>{1, 2}));
}

TEST_F(outage, a_new_device_is_reachable) {
  auto a = n_.join(0, "a");
  begin();
  auto b = n_.join(1, "b");
  EXPECT_FALSE(n_.is_online("b"));
  a->send(message("1", "b", 1));
  n_.settle();
  a->read();
  b->read();
  EXPECT_EQ(a->verdict_of("1"), "written");
}

TEST_F(outage, a_lookup_that_cannot_be_answered_is_unreachable_and_never_offline) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  begin();
  a->send(message("1", "b", 1));
  a->send(message("2", "nobody", 2));
  n_.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "unreachable");
  EXPECT_EQ(a->verdict_of("2"), "unreachable");
  EXPECT_EQ(a->frames("verdict").at(0).at("at"), "directory");
}

/// Why the directory may lack a device that is there.
class doubtful_directory : public outage,
                           public testing::WithParamInterface<std::atomic<bool> cluster_view::*> {};

TEST_P(doubtful_directory, makes_a_device_that_the_directory_lacks_unreachable_and_not_offline) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  auto &why = (*n_.context().view).*GetParam();
  why = true;
  a->send(message("1", "nobody", 1));
  a->send(message("2", "b", 2));
  n_.settle();
  why = false;
  a->send(message("3", "nobody", 3));
  n_.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "unreachable");
  EXPECT_EQ(a->verdict_of("2"), "written") << "what it has is true";
  EXPECT_EQ(a->verdict_of("3"), "offline");
}

TEST_P(doubtful_directory, makes_a_device_whose_record_is_of_before_unreachable_and_not_offline) {
  auto a = n_.join(0, "a");
  auto &ctx = n_.context();
  session_ref gone;
  gone.loop = 1;
  gone.generation = 4711;
  auto bound = n_.store().bind({{device_id::trusted("moved"),
                                 account_id::trusted("acme"),
                                 {ctx.id, ctx.inc, gone},
                                 0,
                                 ctx.lease_until()}});
  ASSERT_TRUE(bound.at(0));
  auto &why = (*ctx.view).*GetParam();
  why = true;
  a->send(message("1", "moved", 1));
  n_.settle();
  why = false;
  a->send(message("2", "moved", 2));
  n_.settle();
  a->read();
  EXPECT_EQ(a->verdict_of("1"), "unreachable");
  EXPECT_EQ(a->frames("verdict").at(0).at("at"), "directory");
  EXPECT_EQ(a->verdict_of("2"), "offline");
}

INSTANTIATE_TEST_SUITE_P(, doubtful_directory,
                         testing::Values(&cluster_view::joining, &cluster_view::doubtful));

TEST_F(outage, everyone_is_back_in_an_empty_directory_without_reconnecting) {
  auto a = n_.join(0, "a");
  auto b = n_.join(1, "b");
  auto a_epoch = n_.store().lookup({device_id::trusted("a")}).at(0);
  begin();
  auto c = n_.join(0, "c");
  lose_records();
  end();
  for (auto name : {"a", "b", "c"})
    EXPECT_TRUE(n_.is_online(name)) << name;
  EXPECT_EQ((*n_.store().lookup({device_id::trusted("a")}).at(0))->at.ep, (*a_epoch)->at.ep)
      << "with the epoch it held";
  for (auto *one : {a.get(), b.get(), c.get()}) {
    one->read();
    EXPECT_EQ(one->close_code(), 0);
  }
}

TEST_F(outage, of_two_holders_the_older_one_ends_once_the_directory_is_back) {
  auto old = n_.join(0, "a");
  begin();
  auto fresh = n_.join(1, "a");
  n_.settle();
  end();
  n_.pass(3s);
  old->read();
  fresh->read();
  EXPECT_EQ(old->close_code(), 4100);
  EXPECT_EQ(fresh->close_code(), 0);
  EXPECT_TRUE(n_.is_online("a"));
}

TEST_F(outage, a_device_that_left_meanwhile_is_given_up_when_the_directory_is_back) {
  auto a = n_.join(0, "a");
  begin();
  a->vanish();
  n_.settle();
  EXPECT_TRUE(n_.is_online("a")) << "nobody could tell the directory";
  end();
  n_.pass(2s);
  EXPECT_FALSE(n_.is_online("a"));
}

TEST_F(outage, a_bind_after_it_names_the_provisional_holder) {
  begin();
  auto old = n_.join(0, "a");
  n_.context().view->outage = false; // back, and nobody has put anything back yet
  auto fresh = n_.join(1, "a");
  n_.settle();
  old->read();
  EXPECT_EQ(old->close_code(), 4100);
  EXPECT_TRUE(n_.is_online("a"));
}

} // namespace
