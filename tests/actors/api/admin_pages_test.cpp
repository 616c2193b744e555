// SPDX-License-Identifier: Apache-2.0
#include "actors/api/admin_pages.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace stentor;
using namespace stentor::actors;
using nlohmann::json;

namespace {

slot_node node_a() {
  return {node_id::trusted("a"), 101};
}
slot_node node_b() {
  return {node_id::trusted("b"), 202};
}
session_info bound(const slot_node &at, epoch ep) {
  session_info x;
  x.at = {at.node, at.inc, {0, 1, 2}, ep};
  x.account = account_id::trusted("acme");
  x.state = "live";
  x.bound = x.connected = true;
  return x;
}
storage::record record_of(const session_info &x) {
  return {device_id::trusted("d"), x.account, x.at};
}
device_facts facts() {
  device_facts x;
  x.device = device_id::trusted("d");
  x.directory_answered = true;
  return x;
}

} // namespace

TEST(admin_pages, a_record_that_names_the_session_is_a_match) {
  auto x = facts();
  x.sessions = {bound(node_a(), 5)};
  x.record = record_of(x.sessions[0]);
  EXPECT_EQ(judge(x), device_word::match);
  auto detached = bound(node_b(), 4); // of the connection before
  detached.bound = false;
  x.sessions.push_back(detached);
  EXPECT_EQ(judge(x), device_word::match);
}

TEST(admin_pages, a_record_of_a_session_that_is_gone_or_has_another_epoch_is_stale) {
  auto x = facts();
  x.record = record_of(bound(node_a(), 5));
  EXPECT_EQ(judge(x), device_word::stale);
  x.sessions = {bound(node_a(), 6)};
  EXPECT_EQ(judge(x), device_word::stale);
  x.sessions = {bound(node_a(), 5)};
  x.sessions[0].bound = false;
  EXPECT_EQ(judge(x), device_word::stale);
}

TEST(admin_pages, sessions_without_a_record_are_orphan_two_are_duplicate_none_is_absent) {
  auto x = facts();
  EXPECT_EQ(judge(x), device_word::absent);
  x.sessions = {bound(node_a(), 5)};
  EXPECT_EQ(judge(x), device_word::orphan);
  x.sessions.push_back(bound(node_b(), 6));
  EXPECT_EQ(judge(x), device_word::duplicate);
  x.record = record_of(x.sessions[1]);
  EXPECT_EQ(judge(x), device_word::duplicate);
}

TEST(admin_pages, who_did_not_answer_makes_no_false_word) {
  auto x = facts();
  x.silent = {node_b()};
  EXPECT_EQ(judge(x), device_word::unknown) << "it may hold the device";
  x.record = record_of(bound(node_b(), 5));
  EXPECT_EQ(judge(x), device_word::unknown);
  x.record = record_of(bound(node_a(), 5));
  EXPECT_EQ(judge(x), device_word::stale) << "that node did answer";
  x = facts();
  x.directory_answered = false;
  EXPECT_EQ(judge(x), device_word::unknown);
  auto page = json::parse(device_page(x).body);
  EXPECT_EQ(page.at("directory"), "silent");
}

TEST(admin_pages, a_device_page_has_the_session_in_its_own_words) {
  auto x = facts();
  auto one = bound(node_a(), 5);
  one.age_ms = 1000;
  one.heard_ms = 20;
  one.unsent = 1;
  one.unacked = 2;
  one.owed = 3;
  x.sessions = {one};
  x.record = record_of(one);
  x.silent = {node_b()};
  auto page = device_page(x);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(json::parse(page.body), json::parse(R"({"device":"d","word":"match","directory":"answered",
    "record":{"node":"a","incarnation":"101","epoch":5,"session":"0.1.2","account":"acme"},
    "sessions":[{"node":"a","incarnation":"101","epoch":5,"session":"0.1.2","account":"acme","state":"live",
      "bound":true,"connected":true,"age_ms":1000,"heard_ms":20,"unsent":1,"unacked":2,"owed":3}],
    "silent":["b"]})"));
}

TEST(admin_pages, slots_are_counted_looked_up_and_moved_on_paper) {
  slot_map slots{{node_a(), node_b()}};
  admin_question q;
  q.what = admin_question::kind::slots;
  auto all = json::parse(slots_page(slots, node_a(), q).body);
  ASSERT_EQ(all.at("owners").size(), 2u);
  size_t of_b = all["owners"][1].at("slots");
  EXPECT_EQ(all["owners"][0].at("slots").get<size_t>() + of_b, slot_count);
  EXPECT_EQ(all["owners"][0].at("self"), true);
  EXPECT_EQ(all["owners"][1].at("self"), false);

  q.which = admin_question::slots::of_device;
  q.subject = "d";
  auto one = json::parse(slots_page(slots, node_a(), q).body);
  EXPECT_EQ(one.at("slot"), slot_of(device_id::trusted("d")));
  EXPECT_EQ(one.at("node"), slots.owner(slot_of(device_id::trusted("d")))->node.str());
  q.which = admin_question::slots::one;
  q.number = one.at("slot");
  EXPECT_EQ(json::parse(slots_page(slots, node_a(), q).body).at("node"), one.at("node"));

  q.which = admin_question::slots::without;
  q.subject = "b";
  auto moved = json::parse(slots_page(slots, node_a(), q).body);
  EXPECT_EQ(moved.at("moves"), of_b);
  EXPECT_EQ(moved.at("to")[0].at("slots"), of_b);
  q.subject = "nobody";
  EXPECT_EQ(slots_page(slots, node_a(), q).status, 404);
}
