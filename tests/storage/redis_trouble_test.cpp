// SPDX-License-Identifier: Apache-2.0
// The Redis directory while Redis is away, frozen, forgetful, full or holds what it should not.
#include "storage/redis_directory.hpp"

#include "tests/storage/fake_redis.hpp"
#include "tests/storage/redis_directory_fixture.hpp"

#include <functional>
#include <thread>

namespace stentor::storage::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr redis_limits quick{300ms, 400ms, 0ms, 0ms};
const auto n1 = lease{node_id::trusted("n1"), 1, 0, "", false};
const auto d = device("d");
const auto a = account("a");

bind_request bind_of(uint64_t generation) {
  return {d, a, at("n1", 1, generation), 0, far};
}

/// The error of every call of a directory, by name.
std::vector<std::pair<const char *, caf::error>> errors_of(directory &x) {
  std::string cursor;
  auto of = [](auto result) { return result ? caf::error{} : result.error(); };
  auto until = far;
  return {{"bind", of(x.bind({bind_of(1)}).at(0))},
          {"restore", of(x.restore({{d, a, at("n1", 1, 1, 1), until}}).at(0))},
          {"unbind", of(x.unbind({{d, 1, until}}).at(0))},
          {"lookup", of(x.lookup({d}).at(0))},
          {"devices_of", of(x.devices_of(a))},
          {"records_in", of(x.records_in(0, 1))},
          {"events_after", of(x.events_after(cursor, 1))},
          {"renew", of(x.renew(n1, 5s))},
          {"declare_dead", of(x.declare_dead(node_id::trusted("n9"), 1))},
          {"release", of(x.release(node_id::trusted("n9"), 2))},
          {"sweep", of(x.sweep(node_id::trusted("n9"), 1, 1))},
          {"notify", of(x.notify(n1.node, 1, {{d, 1}}))},
          {"size", of(x.size())},
          {"check", x.check()}};
}

void expect_all(directory &x, errc code, const std::string &text) {
  for (auto &[name, failure] : errors_of(x)) {
    EXPECT_EQ(failure, code) << name;
    EXPECT_NE(render(failure).find(text), std::string::npos) << name << ": " << render(failure);
  }
}

void expect_works(directory &x) {
  for (auto &[name, failure] : errors_of(x))
    EXPECT_FALSE(failure) << name << ": " << render(failure);
}

// -- away ----

TEST(redis_trouble, starts_without_redis_and_finds_it_later) {
  redis_server server;
  server.kill();
  auto dir = directory_on(server);
  expect_all(*dir, errc::unavailable,
             "redis at 127.0.0.1:" + std::to_string(server.port()) + " is unreachable");
  server.start();
  expect_works(*dir);
}

TEST(redis_trouble, goes_on_after_redis_was_killed_and_came_back_empty) {
  redis_server server;
  auto dir = directory_on(server);
  auto run = dir->renew(n1, 5s)->run_id;
  auto ep = dir->bind({bind_of(1)}).at(0)->ep;
  server.kill();
  expect_all(*dir, errc::unavailable, "is unreachable");
  server.start();
  EXPECT_FALSE(dir->lookup({d}).at(0)->has_value());
  EXPECT_NE(dir->renew(n1, 5s)->run_id, run);
  EXPECT_TRUE(dir->restore({{d, a, at("n1", 1, 1, ep), far}}).at(0)->restored);
  EXPECT_EQ((*dir->lookup({d}).at(0))->at.ep, ep);
}

TEST(redis_trouble, fails_a_long_batch_at_once_where_redis_is_away) {
  redis_server server;
  server.kill();
  auto dir = directory_on(server, nullptr, {300ms, 400ms, 100ms, 2000ms});
  auto began = steady_clock::now();
  auto results = dir->bind(std::vector<bind_request>(2000, bind_of(1)));
  EXPECT_LT(steady_clock::now() - began, 300ms);
  ASSERT_EQ(results.size(), 2000u);
  for (auto &x : results)
    ASSERT_EQ(x.error(), errc::unavailable);
}

// -- frozen ----

TEST(redis_trouble, gives_up_on_a_frozen_redis_in_time_and_repeats_a_bind_that_landed) {
  redis_server server;
  auto dir = directory_on(server, nullptr, quick);
  ASSERT_TRUE(dir->renew(n1, 60s));
  std::string cursor;
  ASSERT_TRUE(dir->events_after(cursor, 1));
  server.freeze();
  auto began = steady_clock::now();
  auto results = dir->bind(std::vector<bind_request>(3000, bind_of(1)));
  auto time = steady_clock::now() - began;
  EXPECT_GE(time, 350ms);
  EXPECT_LT(time, 1200ms) << "not a timeout for each part of the batch";
  ASSERT_EQ(results.size(), 3000u);
  EXPECT_EQ(results[0].error(), errc::timed_out);
  EXPECT_EQ(results[2999].error(), errc::unavailable) << "never sent";
  began = steady_clock::now();
  EXPECT_EQ(dir->check(), errc::unavailable);
  EXPECT_LT(steady_clock::now() - began, 1200ms);
  server.thaw();
  auto ep = dir->bind({bind_of(1)}).at(0);
  ASSERT_TRUE(ep) << render(ep.error());
  EXPECT_EQ(dir->bind({bind_of(1)}).at(0)->ep, ep->ep);
  auto events = dir->events_after(cursor, 10);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (std::vector<event>{{event_kind::online, d, a, ep->ep}}));
}

TEST(redis_trouble, fails_every_call_in_time_while_frozen) {
  redis_server server;
  auto dir = directory_on(server, nullptr, {100ms, 100ms, 0ms, 0ms});
  expect_works(*dir);
  server.freeze();
  auto began = steady_clock::now();
  auto all = errors_of(*dir);
  EXPECT_LT(steady_clock::now() - began, all.size() * 1000ms);
  EXPECT_EQ(all[0].second, errc::timed_out);
  for (auto &[name, failure] : all)
    EXPECT_TRUE(failure == errc::timed_out || failure == errc::unavailable) << name;
  server.thaw();
  expect_works(*dir);
}

TEST(redis_trouble, keeps_its_lease_and_lets_devices_go_while_redis_is_full) {
  redis_server server;
  auto dir = directory_on(server, nullptr, quick);
  ASSERT_TRUE(dir->renew(n1, 5s));
  auto ep = dir->bind({bind_of(1)}).at(0);
  ASSERT_TRUE(ep) << render(ep.error());
  ASSERT_FALSE(server.command({"CONFIG", "SET", "maxmemory", "1"}).is_error());
  auto other = bind_of(2);
  other.device = device_id::trusted("other");
  EXPECT_EQ(dir->bind({other}).at(0).error(), errc::unavailable);
  for (int i = 0; i < 3; ++i) {
    auto lease = dir->renew(n1, 5s);
    EXPECT_TRUE(lease) << render(lease.error());
  }
  EXPECT_TRUE(dir->lookup({d}).at(0)->has_value());
  EXPECT_TRUE(*dir->unbind({{d, ep->ep, far}}).at(0));
  EXPECT_FALSE(dir->lookup({d}).at(0)->has_value());
  ASSERT_FALSE(server.command({"CONFIG", "SET", "maxmemory", "0"}).is_error());
  EXPECT_TRUE(dir->bind({other}).at(0));
}

TEST(redis_trouble, refuses_a_bind_that_lands_after_its_lease) {
  redis_server server;
  auto dir = directory_on(server, nullptr, quick);
  auto lease = dir->renew(n1, 600ms);
  ASSERT_TRUE(lease);
  auto request = bind_of(1);
  request.lease_until = lease->until;
  server.freeze();
  EXPECT_EQ(dir->bind({request}).at(0).error(), errc::timed_out);
  std::this_thread::sleep_for(500ms); // the command waits in the server's socket while the lease ends
  server.thaw();
  EXPECT_FALSE(server.command({"PING"}).is_error());
  EXPECT_EQ(*directory_on(server)->size(), 0u);
  EXPECT_EQ(dir->bind({request}).at(0).error(), errc::fenced);
}

TEST(redis_trouble, does_not_know_the_outcome_of_a_bind_whose_index_entry_is_refused) {
  fake_redis::behaviour how;
  how.scripts = redis_scripts.size();
  auto text = [](const std::string &x) { return "$" + std::to_string(x.size()) + "\r\n" + x + "\r\n"; };
  // The entry's number, the record behind one with a higher epoch, no leases, the time; then the entry's
  // mend.
  how.answers = {text("16") + "*4\r\n" + text("bound") + text("100") + text("") + text("ff") +
                     "*0\r\n*2\r\n" + text("1") + text("0"),
                 "-OOM command not allowed when used memory > 'maxmemory'.\r\n"};
  fake_redis server{how};
  redis_options options;
  options.where = server.url();
  options.cluster = cluster_name;
  auto dir = make_redis_directory(options);
  auto bound = dir->bind({bind_of(1)}).at(0);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error(), errc::timed_out) << "its record stands";
}

// -- forgetful, full, foreign ----

TEST(redis_trouble, does_not_notice_that_redis_forgot_its_scripts) {
  auto &server = redis_server::shared();
  auto dir = directory_on(server);
  expect_works(*dir);
  std::vector<std::function<void()>> calls{
      [&] { EXPECT_TRUE(dir->bind({bind_of(2)}).at(0)); },
      [&] { EXPECT_TRUE(dir->devices_of(a)); },
      [&] { EXPECT_TRUE(dir->renew(n1, 5s)); },
      [&] { EXPECT_TRUE(dir->bind(std::vector<bind_request>(300, bind_of(3))).at(299)); },
      [&] {
        std::string cursor;
        EXPECT_TRUE(dir->events_after(cursor, 1));
      },
      [&] { EXPECT_TRUE(*dir->release(n1.node, 1)); },
      [&] { EXPECT_EQ(swept(*dir, n1.node, 1, 9), 1u); },
  };
  for (auto &call : calls) {
    server.command({"SCRIPT", "FLUSH"});
    call();
  }
}

TEST(redis_trouble, is_unavailable_while_redis_is_full) {
  redis_server server;
  auto dir = directory_on(server);
  ASSERT_TRUE(dir->renew(n1, 60s));
  server.command({"CONFIG", "SET", "maxmemory", "1"});
  auto full = dir->bind({bind_of(1)}).at(0);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error(), errc::unavailable);
  EXPECT_NE(render(full.error()).find("OOM"), std::string::npos) << render(full.error());
  EXPECT_FALSE(dir->lookup({d}).at(0)->has_value()) << "it can still be read";
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(dir->bind({bind_of(1)}).at(0));
  EXPECT_EQ(*directory_on(server)->size(), 1u);
}

TEST(redis_trouble, says_what_is_wrong_with_a_server_that_evicts) {
  redis_server server{{"--maxmemory-policy", "volatile-lru"}};
  auto dir = directory_on(server);
  EXPECT_EQ(dir->check(), errc::config);
  EXPECT_NE(render(dir->check()).find("maxmemory-policy noeviction"), std::string::npos);
  auto bound = dir->bind({bind_of(1)}).at(0);
  EXPECT_EQ(bound.error(), errc::unavailable) << "the batch never reached the store";
  EXPECT_EQ(render(bound.error()), render(dir->check()));
}

TEST(redis_trouble, confines_foreign_bytes_to_what_they_touch) {
  auto &server = redis_server::shared();
  auto dir = directory_on(server);
  ASSERT_TRUE(dir->renew(n1, 60s));
  ASSERT_TRUE(dir->bind({bind_of(1)}).at(0));
  auto other = device("another");
  auto records = keys.records(slot_of(other));
  ASSERT_NE(slot_of(other), slot_of(d));
  server.command({"HSET", records, other.str(), "0123456789 no record"});
  auto found = dir->lookup({d, other});
  EXPECT_TRUE(found[0]->has_value());
  ASSERT_FALSE(found[1]) << "not that it is offline: nobody knows";
  EXPECT_EQ(found[1].error(), errc::malformed);
  EXPECT_TRUE(dir->records_in(0, slot_count)) << "an audit goes on";
  EXPECT_TRUE(*dir->declare_dead(node_id::trusted("n9"), 1));
  EXPECT_TRUE(dir->sweep(node_id::trusted("n9"), 1, 10)) << "so does a sweep";
  EXPECT_FALSE(*dir->unbind({{other, 1, far}}).at(0));
  EXPECT_TRUE(dir->bind({{other, a, at("n1", 1, 1), 0, far}}).at(0)) << "whoever binds mends it";
  EXPECT_TRUE(dir->lookup({other}).at(0)->has_value());
  server.command({"DEL", records});
  server.command({"SET", records, "no hash"});
  found = dir->lookup({d, other});
  EXPECT_TRUE(found[0]->has_value());
  EXPECT_EQ(found[1].error(), errc::unavailable);
  EXPECT_NE(render(found[1].error()).find("WRONGTYPE"), std::string::npos);
  auto bound = dir->bind({bind_of(2), {other, a, at("n1", 1, 1), 0, far}});
  EXPECT_TRUE(bound[0]);
  EXPECT_EQ(bound[1].error(), errc::unavailable);
  server.command({"DEL", records});
  server.command({"HSET", keys.account(a), "x y", "12345678"});
  server.command({"HSET", keys.account(a), other.str(), "no number"});
  EXPECT_EQ(dir->devices_of(a)->size(), 1u) << "the index is a hint only";
  server.command({"HSET", keys.leases(), "n1", "x"});
  EXPECT_TRUE(dir->renew(n1, 60s));
}

TEST(redis_trouble, needs_no_more_rights_than_the_manual_says) {
  redis_server server;
  server.command({"ACL",   "SETUSER", "stentor",   "on",           ">pw",      "~" + cluster_name + "*",
                  "+info", "+ping",   "+time",     "+script|load", "+evalsha", "+get",
                  "+set",  "+incr",   "+decr",     "+del",         "+expire",  "+hget",
                  "+hset", "+hdel",   "+hgetall",  "+hlen",        "+hexists", "+xadd",
                  "+xlen", "+xrange", "+xrevrange"});
  redis_options options;
  options.where = server.url();
  options.where.user = "stentor";
  options.where.password = "pw";
  options.cluster = cluster_name;
  auto dir = make_redis_directory(options);
  expect_works(*dir);
  expect_works(*dir); // with records, leases and words to read
  server.command({"ACL", "SETUSER", "stentor", "-evalsha"});
  auto refused = dir->bind({bind_of(1)}).at(0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::unavailable);
  EXPECT_NE(render(refused.error()).find("NOPERM"), std::string::npos) << render(refused.error());
}

} // namespace
} // namespace stentor::storage::test
