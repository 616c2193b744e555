// SPDX-License-Identifier: Apache-2.0
// What the directory costs Redis: memory as a test with the bar of docs/directory.md, speed by hand with
//   storage_tests --gtest_also_run_disabled_tests --gtest_filter='redis_figures.*'
#include "storage/redis_directory.hpp"

#include "tests/storage/redis_directory_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

namespace stentor::storage::test {
namespace {

using std::chrono::steady_clock;

constexpr size_t fleet = 36'000;

/// Ids of `width` characters, three devices an account, three nodes.
bind_request fleet_bind(size_t i, uint64_t generation, size_t width = 16) {
  auto id = [width](const char *kind, size_t number) {
    auto digits = std::to_string(number);
    return kind + std::string(width - 2 - digits.size(), '0') + digits;
  };
  return {device(id("d-", i)),
          account(id("a-", i / 3)),
          {node_id::trusted("node-" + std::to_string(i % 3)),
           0x9E3779B97F4A7C15u + i % 3,
           {static_cast<uint16_t>(i % 2), static_cast<uint32_t>(i / 6), generation},
           0},
          0,
          far};
}

std::vector<bind_request> fleet_binds(size_t first, size_t count, uint64_t generation, size_t width = 16) {
  std::vector<bind_request> batch;
  for (size_t i = 0; i < count; ++i)
    batch.push_back(fleet_bind(first + i, generation, width));
  return batch;
}

void bind_fleet(directory &dir, uint64_t generation, size_t width = 16) {
  for (size_t first = 0; first < fleet; first += 1200)
    for (auto &x : dir.bind(fleet_binds(first, 1200, generation, width)))
      ASSERT_TRUE(x) << render(x.error());
}

TEST(redis_figures, take_at_most_400_bytes_of_redis_a_device) {
  redis_server server;
  auto dir = directory_on(server);
  ASSERT_TRUE(dir->renew({node_id::trusted("node-0"), 1, 0, "10.0.0.1:7402", false}, 60s));
  auto before = server.info_number("memory", "used_memory");
  auto per_device = [&] {
    return static_cast<double>(server.info_number("memory", "used_memory") - before) / fleet;
  };
  bind_fleet(*dir, 1);
  EXPECT_EQ(*directory_on(server)->size(), fleet);
  auto connected = per_device();
  bind_fleet(*dir, 2'000'000); // each takes over: two events more, so that the streams are full
  auto full = per_device();
  int64_t events = 0;
  for (size_t i = 0; i < redis_keys::partitions; ++i)
    events += server.command({"XLEN", keys.events(i)}).integer;
  std::printf("redis memory a device: %.0f B after connecting, %.0f B with %lld events kept\n", connected,
              full, static_cast<long long>(events));
  EXPECT_GE(events, 65'536);
  EXPECT_GT(connected, 100) << "nothing was measured";
  EXPECT_LE(full, 400);
  EXPECT_EQ(server.command({"OBJECT", "ENCODING", keys.records(0)}).text, "listpack");
}

TEST(redis_figures, DISABLED_show_what_longer_ids_take) {
  for (auto longest : {"64", "256"})
    for (size_t width : {16, 36, 64, 128}) {
      redis_server server{{"--hash-max-listpack-value", longest}};
      auto dir = directory_on(server);
      ASSERT_TRUE(dir->renew({node_id::trusted("node-0"), 1, 0, "", false}, 60s));
      auto before = server.info_number("memory", "used_memory");
      bind_fleet(*dir, 1, width);
      auto all = server.info_number("memory", "used_memory") - before;
      std::printf("ids of %3zu characters, hash-max-listpack-value %3s: %4.0f B a device\n", width, longest,
                  static_cast<double>(all) / fleet);
    }
}

// -- speed ----

template <class F>
double per_second(size_t count, F work) {
  auto began = steady_clock::now();
  work();
  return static_cast<double>(count) / std::chrono::duration<double>(steady_clock::now() - began).count();
}

TEST(redis_figures, DISABLED_show_how_fast_batches_are) {
  redis_server server;
  auto dir = directory_on(server);
  for (size_t i = 0; i < 3; ++i)
    ASSERT_TRUE(dir->renew(
        {node_id::trusted("node-" + std::to_string(i)), 0x9E3779B97F4A7C15u + i, 0, "", false}, 600s));
  for (size_t batch : {1, 16, 128, 1024}) {
    auto total = batch == 1 ? size_t{3'999} : fleet;
    std::vector<epoch> epochs;
    auto in_batches = [&](auto work) {
      return per_second(total, [&] {
        for (size_t first = 0; first < total; first += batch)
          work(first, std::min(batch, total - first));
      });
    };
    server.command({"FLUSHALL"});
    for (size_t i = 0; i < 3; ++i)
      ASSERT_TRUE(dir->renew(
          {node_id::trusted("node-" + std::to_string(i)), 0x9E3779B97F4A7C15u + i, 0, "", false}, 600s));
    auto cpu = [&] {
      auto text = server.command({"INFO", "cpu"}).text;
      auto field = [&](const char *name) {
        return std::strtod(text.c_str() + text.find(name) + std::strlen(name), nullptr);
      };
      return field("used_cpu_user:") + field("used_cpu_sys:");
    };
    auto used = cpu();
    auto first_binds = in_batches([&](size_t first, size_t count) {
      for (auto &x : dir->bind(fleet_binds(first, count, 1)))
        ASSERT_TRUE(x);
    });
    auto bind_cpu = (cpu() - used) / static_cast<double>(total) * 1e6;
    auto takeovers = in_batches([&](size_t first, size_t count) {
      for (auto &x : dir->bind(fleet_binds(first, count, 2))) {
        ASSERT_TRUE(x);
        epochs.push_back(x->ep);
      }
    });
    auto lookups = in_batches([&](size_t first, size_t count) {
      std::vector<device_id> devices;
      for (size_t i = 0; i < count; ++i)
        devices.push_back(fleet_bind(first + i, 1).device);
      for (auto &x : dir->lookup(devices))
        ASSERT_TRUE(x && *x);
    });
    auto lists = in_batches([&](size_t first, size_t count) {
                   for (size_t i = 0; i < count; i += 3)
                     ASSERT_EQ(dir->devices_of(fleet_bind(first + i, 1).account)->size(), 3u);
                 }) /
                 3;
    auto unbinds = in_batches([&](size_t first, size_t count) {
      std::vector<unbind_request> requests;
      for (size_t i = 0; i < count; ++i)
        requests.push_back({fleet_bind(first + i, 1).device, epochs[first + i], far});
      for (auto &x : dir->unbind(requests))
        ASSERT_TRUE(x && *x);
    });
    std::printf(
        "batches of %4zu: %7.0f first binds/s (redis %.1f us CPU each), %7.0f takeovers/s, %7.0f lookups/s, "
        "%6.0f accounts/s, %7.0f unbinds/s\n",
        batch, first_binds, bind_cpu, takeovers, lookups, lists, unbinds);
  }
}

TEST(redis_figures, DISABLED_show_how_long_others_wait_behind_a_pipeline) {
  redis_server server;
  auto dir = directory_on(server);
  std::atomic<bool> done{false};
  std::vector<double> waits;
  std::thread other{[&] {
    redis_connection link{server.url(), eager, {}};
    EXPECT_FALSE(link.ready());
    redis_pipeline ping;
    ping.add({"PING"});
    while (!done) {
      auto began = steady_clock::now();
      EXPECT_TRUE(link.run(ping));
      waits.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - began).count());
    }
  }};
  auto rate = per_second(3 * fleet, [&] {
    for (uint64_t generation = 1; generation <= 3; ++generation)
      for (size_t first = 0; first < fleet; first += 1000)
        for (auto &x : dir->bind(fleet_binds(first, 1000, generation)))
          EXPECT_TRUE(x);
  });
  done = true;
  other.join();
  std::ranges::sort(waits);
  std::printf(
      "%.0f binds/s in batches of 1000, pipelines of %zu commands: others wait %.2f ms in the middle, "
      "%.2f at 99 %%, %.2f at most\n",
      rate, redis_pipeline::max_commands, waits[waits.size() / 2], waits[waits.size() * 99 / 100],
      waits.back());
}

TEST(redis_figures, DISABLED_show_how_fast_a_sweep_is) {
  redis_server server;
  auto dir = directory_on(server);
  bind_fleet(*dir, 1);
  auto dead = fleet_bind(0, 1).to;
  ASSERT_TRUE(*dir->release(dead.node, dead.inc));
  size_t removed = 0;
  auto worst = 0.0;
  auto rate = per_second(fleet / 3, [&] {
    for (;;) {
      auto began = steady_clock::now();
      auto x = *dir->sweep(dead.node, dead.inc, 500);
      worst = std::max(worst, std::chrono::duration<double, std::milli>(steady_clock::now() - began).count());
      removed += x.removed;
      if (!x.more)
        break;
    }
  });
  std::printf("sweep: %zu of %zu records, %.0f/s, slowest call of 500 %.1f ms\n", removed, fleet, rate,
              worst);
  EXPECT_EQ(removed, fleet / 3);
}

} // namespace
} // namespace stentor::storage::test
