// SPDX-License-Identifier: Apache-2.0
// Whether the directory keeps to what a cluster-mode Redis asks: each script names its keys, uses no others,
// and all of them are in one hash slot. Seen from outside by MONITOR, and tried on a server in cluster mode.
#include "storage/redis_directory.hpp"

#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/redis_directory_fixture.hpp"

#include <map>
#include <netinet/in.h>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace stentor::storage::test {
namespace {

// -- hash slots as Redis's cluster specification has them ----

uint16_t crc16(std::string_view bytes) {
  uint16_t crc = 0;
  for (auto c : bytes) {
    crc = static_cast<uint16_t>(crc ^ static_cast<unsigned char>(c) << 8);
    for (int i = 0; i < 8; ++i)
      crc = static_cast<uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

uint16_t key_slot(std::string_view key) {
  auto open = key.find('{');
  auto close = open == key.npos ? key.npos : key.find('}', open + 1);
  if (close != key.npos && close > open + 1)
    key = key.substr(open + 1, close - open - 1);
  return crc16(key) % 16384;
}

TEST(redis_key_slot, is_that_of_redis) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  redis_server server{{"--cluster-enabled", "yes"}};
  for (auto key : {"foo", "test{p0}r1", "testa{x}", "test{m}leases", "{}x", "a{b}c", "a{b"})
    EXPECT_EQ(key_slot(key), server.command({"CLUSTER", "KEYSLOT", key}).integer) << key;
}

TEST(redis_key_slot, spreads_the_partitions) {
  std::set<uint16_t> slots{key_slot(keys.leases())};
  for (size_t p = 0; p < redis_keys::partitions; ++p)
    slots.insert(key_slot(keys.events(p)));
  EXPECT_EQ(slots.size(), 1 + redis_keys::partitions);
}

// -- MONITOR ----

/// What Redis says it does, a line a command, from `start` on.
class monitor {
public:
  explicit monitor(redis_server &server) : server_{server}, fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr *>(&to), sizeof to), 0);
    EXPECT_EQ(::send(fd_, "MONITOR\r\n", 9, 0), 9);
    read_until("+OK\r\n");
  }
  ~monitor() { ::close(fd_); }

  struct command {
    bool is_in_script = false;
    std::vector<std::string> words;
  };
  std::vector<command> stop() {
    server_.command({"ECHO", "the end"});
    auto text = read_until("\"the end\"\r\n");
    std::vector<command> all;
    for (size_t begin = 0, end = 0; (end = text.find("\r\n", begin)) != text.npos; begin = end + 2)
      all.push_back(parse(std::string_view{text}.substr(begin, end - begin)));
    return all;
  }

private:
  std::string read_until(std::string_view end) {
    std::string text;
    char buffer[65536];
    while (!text.ends_with(end)) {
      auto count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0)
        break;
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  /// `+time [db address] "word" "wo\"rd" …`
  static command parse(std::string_view line) {
    command x;
    x.is_in_script = line.find(" lua] ") < line.find('"');
    for (size_t i = line.find('"'); i < line.size(); i = line.find('"', i)) {
      std::string word;
      for (++i; i < line.size() && line[i] != '"'; ++i) {
        if (line[i] == '\\')
          word.push_back(line[i++]);
        word.push_back(line[i]);
      }
      x.words.push_back(std::move(word));
      ++i;
    }
    return x;
  }
  redis_server &server_;
  int fd_;
};

/// Every call with every outcome that takes another way through a script.
void use_everything(directory_time now, directory &dir) {
  auto n1 = node_id::trusted("n1");
  std::string cursor;
  dir.renew({n1, 1, 0, "addr", false}, 5s);
  dir.renew({n1, 2, 0, "", false}, 5s);
  dir.events_after(cursor, 10);
  std::vector<bind_request> binds;
  std::vector<restore_request> restores;
  std::vector<unbind_request> unbinds;
  std::vector<device_id> devices;
  for (uint64_t round = 0; round < 2; ++round)
    for (uint64_t i = 0; i < 40; ++i) {
      auto d = device("d" + std::to_string(i));
      auto a = account("a" + std::to_string((i + round) % 9));
      devices.push_back(d);
      binds.push_back({d, a, at("n1", 1, i + round), 0, i == 7 ? now : far});
    }
  for (auto &x : dir.bind(binds))
    if (x && x->ep % 3 == 0)
      unbinds.push_back({devices[unbinds.size()], x->ep, far});
  for (uint64_t i = 0; i < 40; ++i)
    restores.push_back(
        {devices[i], account("r"), at("n2", 1, i, static_cast<epoch>(now) + i * 1000 - 20'000), far});
  dir.restore(restores);
  dir.bind({{devices[39], account("z"), at("n1", 1, 99), 0, far}}); // over an epoch ahead of the clock
  auto held = dir.lookup(devices);
  for (auto &x : held)
    if (x && *x && (*x)->at.ep % 2 == 0)
      unbinds.push_back({(*x)->device, (*x)->at.ep, far});
  auto past = static_cast<epoch>(now) - 1000; // leaves an index entry, for a minute later
  dir.restore({{device("old"), account("r"), at("n2", 1, 1, past), far}});
  unbinds.push_back({device("old"), past, far});
  dir.unbind(unbinds);
  for (uint64_t i = 0; i < 9; ++i)
    dir.devices_of(account("a" + std::to_string(i)));
  dir.events_after(cursor, 1000);
  dir.notify(n1, 1, {{devices[0], 1}, {devices[1], 2}});
  dir.renew({n1, 1, 0, "addr", true}, 5s);
  dir.renew({n1, 1, 0, "addr", true}, 5s);
  dir.declare_dead(n1, 1);
  dir.release(n1, 1);
  dir.notify(n1, 1, {{devices[0], 1}});
  while (swept(dir, n1, 1, 5) > 0)
    ;
  dir.size();
  dir.check();
}

TEST(redis_scripts, name_their_keys_use_no_others_and_stay_in_one_hash_slot) {
  redis_provider provider;
  monitor watch{provider.server()};
  use_everything(provider.now(), provider.get());
  provider.move_clock(60 * second_us); // the leftover is old enough to be repaired
  EXPECT_TRUE(provider.get().devices_of(account("r")));
  use_everything(provider.now(), provider.get());
  std::set<std::string> scripts;
  std::set<std::string> keys;
  std::map<std::string, size_t> commands_in;
  std::string script;
  const std::set<std::string> keyless{"TIME"};
  for (auto &x : watch.stop()) {
    auto name = x.words.at(0);
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    if (name == "EVALSHA") {
      script = x.words.at(1);
      scripts.insert(script);
      auto count = std::stoul(x.words.at(2));
      ASSERT_GT(count, 0u);
      keys = {x.words.begin() + 3, x.words.begin() + 3 + static_cast<ptrdiff_t>(count)};
      for (auto &key : keys)
        ASSERT_EQ(key_slot(key), key_slot(*keys.begin())) << key << " and " << *keys.begin();
    } else if (x.is_in_script && !keyless.contains(name)) {
      ++commands_in[script];
      ASSERT_TRUE(keys.contains(x.words.at(1))) << name << " " << x.words.at(1);
    }
  }
  redis_connection link{provider.server().url(), eager, redis_scripts};
  ASSERT_FALSE(link.ready());
  for (size_t i = 0; i < redis_scripts.size(); ++i)
    EXPECT_TRUE(scripts.contains(link.sha(i))) << "not used: script " << i;
  for (auto &x : scripts)
    EXPECT_GT(commands_in[x], 0u) << x;
}

/// One server that holds all slots: it refuses what a cluster would, and there is nobody to be redirected to.
/// It takes 2 s before it serves.
redis_server &cluster_mode_server() {
  static redis_server server{{"--cluster-enabled", "yes"}};
  static auto once = server.command({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}).text;
  EXPECT_EQ(once, "OK");
  for (auto until = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < until;) {
    if (server.command({"CLUSTER", "INFO"}).text.starts_with("cluster_state:ok"))
      break;
    std::this_thread::sleep_for(5ms);
  }
  server.command({"FLUSHALL"});
  return server;
}

/// The same server with `cluster-enabled`: it checks the same by itself.
class cluster_mode_provider : public redis_provider {
public:
  static constexpr uint64_t schedules = 2;
  cluster_mode_provider() : redis_provider{cluster_mode_server()} {}
};

INSTANTIATE_TYPED_TEST_SUITE_P(redis_cluster_mode, directory_schedule, cluster_mode_provider);

TEST(redis_cluster_mode_itself, refuses_scripts_across_hash_slots) {
  redis_connection link{cluster_mode_server().url(), eager, redis_scripts};
  ASSERT_FALSE(link.ready());
  redis_pipeline command; // so that the suites above prove something
  command.eval(link.sha(0), std::array<std::string, 2>{keys.events(0), keys.events(1)}, {});
  auto reply = link.run(command);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->at(0).text.starts_with("CROSSSLOT")) << reply->at(0).text;
}

} // namespace
} // namespace stentor::storage::test
