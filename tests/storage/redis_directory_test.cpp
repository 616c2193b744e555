// SPDX-License-Identifier: Apache-2.0
// The Redis directory under the contract that every directory must keep, on a real server.
#include "storage/redis_directory.hpp"

#include "tests/storage/directory_contract.hpp"
#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/membership_contract.hpp"
#include "tests/storage/redis_directory_fixture.hpp"
#include "tests/storage/walk_contract.hpp"

namespace stentor::storage::test {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, walk_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, membership_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_schedule, redis_provider);

class redis_directory_test : public directory_fixture<redis_provider> {
protected:
  /// For a directory whose sweeps end after each step.
  redis_options without_sweep_time() {
    redis_options options;
    options.where = provider_.server().url();
    options.cluster = cluster_name;
    options.sweep_time = 0ms;
    options.clock = [time = provider_.time()] { return *time; };
    return options;
  }
};

// -- batches and sizes ----

TEST_F(redis_directory_test, answers_batches_of_many_pipelines_in_order) {
  std::vector<bind_request> binds;
  std::vector<device_id> devices;
  for (uint64_t i = 0; i < 1000; ++i) {
    devices.push_back(device("d" + std::to_string(i)));
    binds.push_back({devices.back(), account("a" + std::to_string(i % 7)), at("n1", 1, i + 1), 0,
                     i % 10 == 3 ? now() : now() + second_us});
  }
  auto bound = dir().bind(binds);
  auto found = dir().lookup(devices);
  ASSERT_EQ(bound.size(), 1000u);
  ASSERT_EQ(found.size(), 1000u);
  std::vector<unbind_request> unbinds;
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(static_cast<bool>(bound[i]), i % 10 != 3) << i;
    ASSERT_EQ(found[i]->has_value(), i % 10 != 3) << i;
    if (i % 10 != 3) {
      EXPECT_EQ((*found[i])->at, at("n1", 1, i + 1, bound[i]->ep));
    }
    unbinds.push_back({devices[i], bound[i] ? bound[i]->ep : 0, now() + second_us});
  }
  EXPECT_EQ(*directory_on(provider_.server())->size(), 900u);
  auto unbound = dir().unbind(unbinds);
  for (uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(*unbound[i], i % 10 != 3) << i;
  EXPECT_EQ(*directory_on(provider_.server())->size(), 0u);
}

TEST_F(redis_directory_test, carries_a_thousand_binds_in_one_round_trip) {
  auto views = [&] { // one behind each pipeline of binds
    auto text = provider_.server().command({"INFO", "commandstats"}).text;
    auto at = text.find("cmdstat_time:calls=");
    return at == text.npos ? 0 : std::stoi(text.substr(at + 19));
  };
  std::vector<bind_request> binds;
  for (uint64_t i = 0; i < 1000; ++i)
    binds.push_back(
        {device("d" + std::to_string(i)), account("a"), at("n1", 1, i + 1), 0, now() + second_us});
  auto before = views();
  for (auto &x : dir().bind(binds))
    ASSERT_TRUE(x) << render(x.error());
  EXPECT_EQ(views() - before, 1);
}

TEST_F(redis_directory_test, takes_ids_and_sessions_of_every_size) {
  auto long_device = device(std::string(max_id_bytes, 'd'));
  auto long_account = account(std::string(max_id_bytes, 'a'));
  route to{
      node_id::trusted(std::string(max_id_bytes, 'n')), UINT64_MAX, {UINT16_MAX, UINT32_MAX, UINT64_MAX}, 0};
  ASSERT_TRUE(dir().renew({to.node, to.inc, 0, "[::1]:7402 x", true}, 5s));
  to.ep = bound(long_device, to, long_account);
  EXPECT_EQ(lookup(long_device), (record{long_device, long_account, to}));
  EXPECT_EQ(drain_events(), (std::vector<event>{online(long_device, to.ep, long_account)}));
  auto renewed = renew("n1", 1);
  ASSERT_TRUE(renewed);
  auto seen = std::ranges::find(renewed->view, to.node, &lease::node);
  ASSERT_NE(seen, renewed->view.end());
  EXPECT_EQ(seen->inc, UINT64_MAX);
  EXPECT_EQ(seen->address, "[::1]:7402 x");
}

TEST_F(redis_directory_test, refuses_epochs_that_leave_no_room_to_count) {
  auto d = device("d");
  auto most = epoch{1} << 52;
  auto high = bind(d, at("n1", 1, 1), account("a"), most);
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error(), errc::malformed);
  auto restored = dir().restore({{d, account("a"), at("n1", 1, 1, UINT64_MAX), now() + second_us}}).at(0);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error(), errc::malformed);
  EXPECT_FALSE(lookup(d));
  EXPECT_EQ(bound(d, at("n1", 1, 1), account("a"), most - 1), most);
  EXPECT_EQ(bound(d, at("n1", 1, 2)), most + 1);
  EXPECT_FALSE(*dir().unbind({{d, UINT64_MAX, now() + second_us}}).at(0));
}

TEST_F(redis_directory_test, does_not_go_back_below_the_highest_epoch_it_removed) {
  auto d = device("d");
  auto high = bound(d, at("n1", 1, 1), account("a"), static_cast<epoch>(now()) + 1'000'000'000);
  EXPECT_TRUE(unbind(d, high));
  EXPECT_GT(bound(d, at("n1", 1, 2)), high);
  EXPECT_TRUE(release("n1", 1));
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 10), 1u);
  EXPECT_GT(bound(d, at("n2", 1, 1)), high + 1);
}

TEST_F(redis_directory_test, fences_each_step_by_itself) {
  // Seen from outside the index's fence stands before the record's: here each is asked alone, as late ones
  // are.
  auto d = device("d");
  auto s = slot_of(d);
  auto p = redis_keys::partition_of(s);
  auto &server = provider_.server();
  auto time = std::to_string(now());
  for (auto script : {redis_script::bind, redis_script::restore}) {
    auto reply =
        call_script(server, script, {keys.records(s), keys.highest(p), keys.events(p), keys.count(p)},
                    {"d", holder_text(at("n1", 1, 1)), "a", "5", time, "8192", time});
    EXPECT_EQ(reply.at(0).text, "fenced");
    EXPECT_FALSE(lookup(d));
  }
  auto ep = bound(d, at("n1", 1, 1));
  auto unbound = call_script(server, redis_script::unbind, {keys.records(s), keys.events(p), keys.count(p)},
                             {"d", redis_keys::hex(ep), time, "8192", time});
  EXPECT_EQ(unbound.at(0).text, "fenced");
  EXPECT_TRUE(lookup(d));
  auto other = keys.account(account("other"));
  EXPECT_EQ(call_script(server, redis_script::index_add, {other}, {"d", time, time}).text, "0");
  EXPECT_EQ(server.command({"EXISTS", other}).integer, 0);
}

// -- sweeps ----

TEST_F(redis_directory_test, goes_on_with_a_sweep_whose_sweeper_died) {
  for (uint64_t i = 0; i < 50; ++i)
    bound(device("d" + std::to_string(i)), at("n1", 1, i + 1));
  pass(10s);
  ASSERT_TRUE(*dir().declare_dead(node_id::trusted("n1"), 1));
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 20), 20u);
  auto other = directory_on(provider_.server(), provider_.time());
  auto left = other->renew({node_id::trusted("n3"), 1, 0, "", false}, 5s)->unswept;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(swept(*other, left[0].node, left[0].inc, 1000), 30u);
  EXPECT_EQ(*other->size(), 0u);
  EXPECT_TRUE(other->renew({node_id::trusted("n3"), 1, 0, "", false}, 5s)->unswept.empty());
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 20), 0u) << "the first one, had it only slept";
}

TEST_F(redis_directory_test, begins_a_sweep_anew_after_the_store_was_lost) {
  auto all = [&](std::string name) {
    for (uint64_t i = 0; i < 50; ++i)
      bound(device(name + std::to_string(i)), at("n1", 1, i + 1));
  };
  all("d");
  ASSERT_TRUE(release("n1", 1));
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 40), 40u);
  provider_.lose_everything();
  all("e");
  ASSERT_TRUE(release("n1", 1));
  EXPECT_EQ(swept(dir(), node_id::trusted("n1"), 1, 1000), 50u);
}

TEST_F(redis_directory_test, ends_no_sweep_that_began_while_binds_could_land) {
  // A sweep that the store keeps waiting: it looks at the first slots before the lease's end and at the last
  // ones more than a second after it. What landed in between must be found by another one.
  ASSERT_TRUE(release("n1", 1));
  auto ends = now() + 5 * second_us;
  redis_options options;
  options.where = provider_.server().url();
  options.cluster = cluster_name;
  auto readings = 0;
  options.clock = [&] { return readings++ == 0 ? ends - 1 : ends + 3 * second_us; };
  redis_directory slow{options};
  EXPECT_EQ(swept(slow, node_id::trusted("n1"), 1, 10), 0u);
  EXPECT_EQ(renew("n2", 1)->unswept.size(), 1u);
  EXPECT_EQ(swept(slow, node_id::trusted("n1"), 1, 10), 0u);
  EXPECT_TRUE(renew("n2", 1)->unswept.empty());
}

TEST_F(redis_directory_test, sweeps_a_few_slots_a_call_where_the_store_is_slow) {
  for (uint64_t i = 0; i < 50; ++i)
    bound(device("d" + std::to_string(i)), at("n1", 1, i + 1));
  ASSERT_TRUE(release("n1", 1));
  pass(10s);
  redis_directory slow{without_sweep_time()};
  auto scripts = [&] {
    auto text = provider_.server().command({"INFO", "commandstats"}).text;
    auto at = text.find("cmdstat_evalsha:calls=");
    return at == text.npos ? 0 : std::stoi(text.substr(at + 22));
  };
  size_t removed = 0;
  for (auto calls = 1;; ++calls) {
    ASSERT_LE(calls, 32);
    auto before = scripts();
    auto x = slow.sweep(node_id::trusted("n1"), 1, 1000);
    ASSERT_TRUE(x);
    removed += x->removed;
    EXPECT_LE(scripts() - before, static_cast<int>(8 + x->removed + 1))
        << "sweeps, index, and the last one's mark";
    EXPECT_EQ(renew("n2", 1)->unswept.size(), x->more ? 1u : 0u) << "not before all was looked at";
    if (!x->more)
      break;
  }
  EXPECT_EQ(removed, 50u);
  EXPECT_EQ(*directory_on(provider_.server(), provider_.time())->size(), 0u);
}

TEST_F(redis_directory_test, ends_no_sweep_of_many_calls_that_began_while_binds_could_land) {
  ASSERT_TRUE(release("n1", 1));
  redis_directory slow{without_sweep_time()};
  auto step = [&] { return slow.sweep(node_id::trusted("n1"), 1, 1000); };
  ASSERT_TRUE(step()->more);
  size_t seen = 0;
  while (slot_of(device("d" + std::to_string(seen))) >= 512) // of those that the first call has looked at
    ++seen;
  bound(device("d" + std::to_string(seen)), at("n1", 1, 1));
  pass(10s);
  while (step()->more) {
  }
  EXPECT_EQ(renew("n2", 1)->unswept.size(), 1u) << "only its end came late enough";
  EXPECT_EQ(swept(slow, node_id::trusted("n1"), 1, 1000), 1u);
  EXPECT_TRUE(renew("n2", 1)->unswept.empty());
}

// -- words ----

TEST_F(redis_directory_test, gives_words_again_whose_answer_was_lost) {
  auto n1 = node_id::trusted("n1");
  ASSERT_TRUE(*dir().notify(n1, 1, {{device("d"), 7}, {device("e"), 8}}));
  // Another connection's renewal stands for one whose answer never came.
  auto lost = directory_on(provider_.server(), provider_.time())->renew({n1, 1, 0, "", false}, 5s);
  EXPECT_EQ(lost->notices.size(), 2u);
  EXPECT_EQ(renew("n1", 1)->notices.size(), 2u);
  ASSERT_TRUE(*dir().notify(n1, 1, {{device("e"), 9}})) << "between two renewals";
  EXPECT_EQ(renew("n1", 1)->notices, (std::vector<notice>{{device("e"), 9}}));
  EXPECT_TRUE(renew("n1", 1)->notices.empty());
}

TEST_F(redis_directory_test, lets_words_for_nobody_run_out) {
  ASSERT_TRUE(*dir().notify(node_id::trusted("gone"), 3, {{device("d"), 7}}));
  auto left = provider_.server().command({"PTTL", keys.words(node_id::trusted("gone"), 3)}).integer;
  EXPECT_GT(left, 3'500'000);
  EXPECT_LE(left, 3'600'000);
}

TEST_F(redis_directory_test, does_not_take_a_node_for_another_whose_name_begins_alike) {
  EXPECT_TRUE(renew("n", 1));
  EXPECT_TRUE(renew("n11", 2));
}

} // namespace
} // namespace stentor::storage::test
