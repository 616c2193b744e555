// SPDX-License-Identifier: Apache-2.0
// A linked node in a process of its own. `serve` links with the node named on its standard input and takes
// its batches; `flood` starts one and measures what batches cost: how many a second, CPU time on both sides,
// with a lane's credit of 8 MiB; `turns` the same with one batch under way, each answered by one of its size.
#include "tests/actors/mesh/child_process.hpp"
#include "tests/actors/mesh/mesh_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <sstream>

#include <sys/resource.h>

namespace {

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;

constexpr uint64_t window_bytes = 8 * 1024 * 1024;
constexpr uint64_t credit_step = 512 * 1024;

int64_t cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto us = [](const timeval &x) { return int64_t{x.tv_sec} * 1'000'000 + x.tv_usec; };
  return us(used.ru_utime) + us(used.ru_stime);
}

storage::lease lease_of(const std::string &name, incarnation inc, const std::string &address) {
  return {node_id::trusted(name), inc, 0, address, false};
}

node_options options(const std::string &name, incarnation inc, size_t workers, const std::string &ca) {
  node_options result{.name = name, .inc = inc, .workers = workers};
  if (!ca.empty())
    result.tls = {ca + "/ca.pem", ca + "/" + name + ".pem", ca + "/" + name + ".key"};
  return result;
}

int serve(size_t workers, const std::string &ca) {
  mesh_node self{options("b", 2, workers, ca)};
  std::atomic<uint64_t> messages{0};
  uint64_t bytes = 0, told = 0;
  self.sink().tap = [&](const link_batch &batch) {
    messages.fetch_add(1, std::memory_order_relaxed);
    bytes += batch.items.size();
    if (batch.data_messages == 0) {
      link_batch answer = batch;
      answer.handled_bytes = bytes;
      self.send_to(1, std::move(answer));
      return;
    }
    if (bytes - told < credit_step)
      return;
    told = bytes;
    link_batch answer;
    answer.from = 2;
    answer.handled_bytes = bytes;
    self.send_to(1, answer);
  };
  std::printf("%s\n", self.address().c_str());
  std::fflush(stdout);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words{line};
    std::string word, address;
    words >> word >> address;
    if (word == "peer")
      self.view({self.lease(), lease_of("a", 1, address)});
    else
      std::printf("%lu %ld\n", messages.load(), cpu_us());
    std::fflush(stdout);
  }
  return 0;
}

int flood(const std::string &program, bool turns, size_t size, size_t workers, double seconds,
          const std::string &ca) {
  mesh_node self{options("a", 1, workers, ca)};
  std::atomic<uint64_t> handled{0};
  std::mutex mutex;
  std::condition_variable changed;
  self.sink().tap = [&](const link_batch &batch) {
    {
      std::lock_guard guard{mutex};
      handled = batch.handled_bytes;
    }
    changed.notify_one();
  };
  child_process other{{program, "serve", std::to_string(workers), ca}};
  auto there = other.read_line();
  other.write_line("peer " + self.address());
  self.view({self.lease(), lease_of("b", 2, there)});
  if (!self.hears_of(2, true)) {
    std::fprintf(stderr, "no link\n");
    return 1;
  }
  auto stats = [&] {
    other.write_line("stats");
    std::istringstream words{other.read_line()};
    uint64_t messages = 0;
    int64_t cpu = 0;
    words >> messages >> cpu;
    return std::pair{messages, cpu};
  };
  link_batch batch;
  batch.from = 1;
  batch.data_messages = turns ? 0 : 1;
  auto window = turns ? size : window_bytes;
  auto at_once = turns ? 1 : 8;
  batch.data_bytes = size;
  batch.items = std::string(size, 'x');
  uint64_t sent = 0, bytes = 0;
  auto run = [&](double length) {
    auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>{length};
    while (std::chrono::steady_clock::now() < until) {
      if (bytes - handled >= window) {
        std::unique_lock guard{mutex};
        changed.wait_for(guard, std::chrono::seconds{1}, [&] { return bytes - handled < window; });
      }
      for (int i = 0; i < at_once; ++i) {
        self.send_to(2, batch);
        ++sent;
        bytes += size;
      }
    }
  };
  run(0.5);
  auto [messages0, there0] = stats();
  auto here0 = cpu_us();
  auto began = std::chrono::steady_clock::now();
  run(seconds);
  auto [messages1, there1] = stats();
  auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  auto here1 = cpu_us();
  auto messages = static_cast<double>(messages1 - messages0);
  std::printf("%s size=%zu workers=%zu tls=%d messages_per_s=%.0f mb_per_s=%.0f cpu_us_sender=%.2f "
              "cpu_us_receiver=%.2f "
              "up=%ld\n",
              turns ? "turns" : "flood", size, workers, !ca.empty(), messages / took,
              messages * static_cast<double>(size) / took / 1e6,
              static_cast<double>(here1 - here0) / messages, static_cast<double>(there1 - there0) / messages,
              self.counters().up.load());
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> args{argv, argv + argc};
  auto arg = [&](size_t i) { return i < args.size() ? args[i] : std::string{}; };
  if (arg(1) == "serve")
    return serve(std::stoul("0" + arg(2)), arg(3));
  if ((arg(1) == "flood" || arg(1) == "turns") && args.size() >= 4)
    return flood(args[0], arg(1) == "turns", std::stoul(arg(2)), std::stoul(arg(3)),
                 args.size() > 4 ? std::stod(arg(4)) : 3, arg(5));
  std::fprintf(
      stderr,
      "usage: mesh_peer serve [WORKERS [CA_DIR]] | mesh_peer flood|turns SIZE WORKERS [SECONDS [CA_DIR]]\n");
  return 2;
}
