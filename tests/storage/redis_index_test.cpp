// SPDX-License-Identifier: Apache-2.0
// The account index where steps of different nodes meet in the wrong order: it may be late to forget, it may
// never miss a bound device.
#include "storage/redis_directory.hpp"

#include "tests/storage/redis_directory_fixture.hpp"

#include <atomic>
#include <map>
#include <random>
#include <thread>

namespace stentor::storage::test {
namespace {

class redis_index_test : public directory_fixture<redis_provider> {
protected:
  redis_server &server() { return provider_.server(); }
  std::string value_of(const account_id &a, const device_id &d) {
    return server().command({"HGET", keys.account(a), d.str()}).text;
  }
  bool has_entry(const account_id &a, const device_id &d) { return !value_of(a, d).empty(); }
  /// The first half of an unbind: the record goes, the index entry would be next.
  void remove_record(const device_id &x, epoch ep) {
    auto s = slot_of(x);
    auto p = redis_keys::partition_of(s);
    auto reply = call_script(
        server(), redis_script::unbind, {keys.records(s), keys.events(p), keys.count(p)},
        {x.str(), redis_keys::hex(ep), std::to_string(now() + second_us), "8192", std::to_string(now())});
    EXPECT_EQ(reply.at(0).text, "removed");
  }
  void drop_late(const account_id &x, const device_id &y, epoch ep) {
    call_script(server(), redis_script::index_drop, {keys.account(x)}, {y.str(), std::to_string(ep)});
  }
  /// The first half of a bind.
  void add_entry(const account_id &x, const device_id &y) {
    call_script(server(), redis_script::index_add, {keys.account(x)},
                {y.str(), std::to_string(now() + second_us), std::to_string(now())});
  }
  device_id d = device("d");
  account_id a = account("a");
};

TEST_F(redis_index_test, keeps_a_new_binds_entry_from_a_late_removal) {
  auto first = bound(d, at("n1", 1, 1));
  remove_record(d, first);
  bound(d, at("n2", 1, 1));
  drop_late(a, d, first);
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, keeps_it_also_where_epochs_run_ahead_of_the_clock) {
  auto first = bound(d, at("n1", 1, 1), a, static_cast<epoch>(now()) + 1'000'000'000);
  remove_record(d, first);
  server().command(
      {"HDEL", keys.account(a), "d"}); // a reader repaired it, so nothing is there to count on from
  provider_.move_clock(-100 * second_us);
  renew("n2", 1);
  bound(d, at("n2", 1, 1));
  drop_late(a, d, first);
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, keeps_a_restored_devices_entry_from_a_late_removal) {
  auto first = bound(d, at("n1", 1, 1), a, static_cast<epoch>(now()) + 1'000'000'000);
  remove_record(d, first);
  server().command({"HDEL", keys.account(a), "d"});
  ASSERT_TRUE(restore(d, at("n2", 1, 1, first - 1'000)).restored);
  drop_late(a, d, first);
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, removes_the_old_accounts_entry_of_a_device_that_moved) {
  bound(d, at("n1", 1, 1));
  bound(d, at("n1", 1, 2), account("b"));
  EXPECT_FALSE(has_entry(a, d));
  EXPECT_TRUE(has_entry(account("b"), d));
  auto ep = lookup(d)->at.ep;
  ASSERT_TRUE(restore(d, at("n1", 1, 3, ep + 5), a).restored);
  EXPECT_FALSE(has_entry(account("b"), d));
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, forgets_in_time_what_a_refused_restore_wrote_under_another_account) {
  auto ep = bound(d, at("n1", 1, 1));
  EXPECT_FALSE(restore(d, at("n2", 1, 1, ep - 1), account("b")).restored);
  EXPECT_EQ(bound(d, at("n1", 1, 1), account("b")), ep) << "a repetition, whatever account it says";
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
  EXPECT_TRUE(devices_of(account("b")).empty());
  EXPECT_TRUE(has_entry(account("b"), d));
  pass(20s);
  EXPECT_TRUE(devices_of(account("b")).empty());
  EXPECT_FALSE(has_entry(account("b"), d));
}

TEST_F(redis_index_test, raises_an_entry_whose_number_does_not_pass_every_epoch_before) {
  // Time stands still here, so that epochs run ahead of it, and the entries with them.
  auto first = bound(d, at("n1", 1, 1));
  auto second = bound(d, at("n1", 1, 2));
  EXPECT_GT(std::stoull(value_of(a, d)), first);
  EXPECT_LE(std::stoull(value_of(a, d)), second) << "or its removal would leave it";
}

TEST_F(redis_index_test, keeps_the_entry_of_a_record_whose_node_is_away_beside_a_strangers_entry) {
  bound(d, at("n1", 1, 1));
  pass(60s);
  renew("n2", 1);
  add_entry(a, d); // of a bind that never came to its record
  pass(60s);
  EXPECT_TRUE(devices_of(a).empty());
  renew("n1", 1);
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, forgets_an_entry_left_over_but_not_one_under_way) {
  add_entry(a, d);
  EXPECT_TRUE(devices_of(a).empty()) << "it invents nothing";
  EXPECT_TRUE(has_entry(a, d)) << "its record may be under way";
  pass(15s - 1us);
  EXPECT_TRUE(devices_of(a).empty());
  EXPECT_TRUE(has_entry(a, d));
  pass(1us);
  EXPECT_TRUE(devices_of(a).empty());
  EXPECT_FALSE(has_entry(a, d));
}

TEST_F(redis_index_test, keeps_the_entry_of_a_record_whose_node_is_away) {
  bound(d, at("n1", 1, 1));
  pass(60s);
  EXPECT_TRUE(devices_of(a).empty());
  renew("n1", 1);
  EXPECT_EQ(devices_of(a), (std::vector<std::string>{"d"}));
}

TEST_F(redis_index_test, repairs_only_what_its_reader_has_seen_and_lately) {
  auto repair = [&](const std::string &value, directory_time good_until) {
    return call_script(server(), redis_script::index_repair, {keys.account(a)},
                       {"d", value, std::to_string(15 * second_us), std::to_string(good_until),
                        std::to_string(now())})
        .integer;
  };
  add_entry(a, d);
  auto value = value_of(a, d);
  pass(20s);
  EXPECT_EQ(repair(value, now()), 0) << "what the reader knows is too old";
  EXPECT_EQ(repair(std::to_string(std::stoull(value) - 1), now() + 1), 0) << "another entry";
  EXPECT_TRUE(has_entry(a, d));
  EXPECT_EQ(repair(value, now() + 1), 1);
  EXPECT_FALSE(has_entry(a, d));
}

TEST_F(redis_index_test, forgets_restored_and_repeated_binds_with_their_records) {
  auto ep = bound(d, at("n1", 1, 1));
  bound(d, at("n1", 1, 1)); // its entry is now newer than its record
  provider_.lose_everything();
  renew("n1", 1);
  restore(d, at("n1", 1, 1, ep));
  pass(20s);
  EXPECT_TRUE(unbind(d, ep));
  EXPECT_FALSE(has_entry(a, d));
  EXPECT_EQ(server().command({"EXISTS", keys.account(a)}).integer, 0);
}

TEST_F(redis_index_test, is_swept_with_the_dead) {
  bound(d, at("n1", 1, 1));
  bound(device("e"), at("n2", 1, 1));
  ASSERT_TRUE(release("n1", 1));
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 10), 1u);
  EXPECT_FALSE(has_entry(a, d));
  EXPECT_TRUE(has_entry(a, device("e")));
}

// -- several nodes at once, by Redis's own clock ----

constexpr size_t all_events = 1 << 20; ///< kept: they are read at the end

/// What one node does: binds, unbinds and reads a few devices that all nodes fight for.
class fighter {
public:
  fighter(redis_server &server, uint64_t seed)
      : dir_{directory_on(server, nullptr, eager, all_events)}, random_{seed}, seed_{seed} {}

  void run(int steps) {
    auto me = "n" + std::to_string(seed_);
    for (int i = 0; i < steps && problem.empty(); ++i) {
      if (i % 50 == 0)
        until_ = dir_->renew({node_id::trusted(me), 1, 0, "", false}, 60s)->until;
      auto d = device("d" + std::to_string(random_() % 6));
      auto a = account(random_() % 4 == 0 ? "b" : "a");
      if (random_() % 3 == 0 && !mine_.empty()) {
        auto [device, ep] = *mine_.begin();
        mine_.erase(mine_.begin());
        check(static_cast<bool>(dir_->unbind({{device, ep, until_}}).at(0)), "an unbind fails");
        continue;
      }
      auto bound = dir_->bind({{d, a, at(me, 1, ++generation_), 0, until_}}).at(0);
      check(static_cast<bool>(bound), "a bind fails");
      if (!bound)
        return;
      mine_[d] = bound->ep;
      auto listed = dir_->devices_of(a);
      auto found = dir_->lookup({d}).at(0);
      check(listed && found, "a read fails");
      if (!listed || !found)
        return;
      auto is_listed = std::ranges::any_of(*listed, [&](auto &x) { return x.device == d; });
      // Epochs never repeat: still ours after the list was read means it was ours while it was.
      if (*found && (*found)->at.ep == bound->ep)
        check(is_listed, "the index misses " + d.str());
    }
  }
  std::string problem;

private:
  void check(bool good, std::string what) {
    if (!good && problem.empty())
      problem = std::move(what);
  }
  std::unique_ptr<directory> dir_;
  std::mt19937_64 random_;
  uint64_t seed_;
  uint64_t generation_ = 0;
  directory_time until_ = 0;
  std::map<device_id, epoch> mine_;
};

TEST(redis_index, misses_nothing_while_nodes_fight_for_devices) {
  auto &server = redis_server::shared();
  auto dir = directory_on(server, nullptr, eager, all_events);
  std::string cursor;
  ASSERT_TRUE(dir->events_after(cursor, 1));
  std::vector<std::unique_ptr<fighter>> nodes;
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 4; ++seed)
    nodes.push_back(std::make_unique<fighter>(server, seed));
  for (auto &x : nodes)
    threads.emplace_back([&x] { x->run(std::getenv("STENTOR_LONG") ? 20'000 : 500); });
  for (auto &x : threads)
    x.join();
  for (auto &x : nodes)
    EXPECT_EQ(x->problem, "");
  // Each bind told one online and, unless it holds still, one offline; per device in order.
  std::map<device_id, epoch> open;
  std::map<device_id, epoch> last;
  for (;;) {
    auto some = dir->events_after(cursor, 1000);
    ASSERT_TRUE(some) << render(some.error());
    if (some->empty())
      break;
    for (auto &x : *some)
      if (x.kind == event_kind::online) {
        EXPECT_FALSE(open.contains(x.device));
        EXPECT_GT(x.ep, last[x.device]);
        open[x.device] = last[x.device] = x.ep;
      } else {
        ASSERT_TRUE(open.contains(x.device));
        EXPECT_EQ(open[x.device], x.ep);
        open.erase(x.device);
      }
  }
  size_t listed = 0;
  for (auto name : {"a", "b"})
    listed += dir->devices_of(account(name))->size();
  EXPECT_EQ(listed, open.size());
  EXPECT_EQ(*directory_on(server)->size(), open.size());
  for (auto &[d, ep] : open)
    EXPECT_EQ((*dir->lookup({d}).at(0))->at.ep, ep);
}

} // namespace
} // namespace stentor::storage::test
