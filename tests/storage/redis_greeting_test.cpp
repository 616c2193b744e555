// SPDX-License-Identifier: Apache-2.0
// What a new connection makes of the server that greets it: which ones it refuses, and with what advice.
#include "storage/redis_connection.hpp"

#include "tests/storage/fake_redis.hpp"
#include "tests/storage/redis_server_fixture.hpp"

#include <gtest/gtest.h>

#include <array>

namespace stentor::storage::test {
namespace {

using namespace std::chrono_literals;

constexpr redis_limits eager{1000ms, 3000ms, 0ms, 0ms};
constexpr std::array<std::string_view, 2> scripts{"return ARGV[1]", "return {KEYS[1], 7, false}"};

std::string refusal(const redis_url &url, errc code) {
  redis_connection x{url, eager, scripts};
  auto failure = x.ready();
  EXPECT_EQ(failure, code) << render(failure);
  return render(failure);
}

TEST(redis_greeting, refuses_a_server_that_evicts) {
  redis_server server{{"--maxmemory-policy", "allkeys-lru"}};
  auto text = refusal(server.url(), errc::config);
  EXPECT_NE(text.find("has maxmemory-policy 'allkeys-lru'"), std::string::npos) << text;
  EXPECT_NE(text.find("CONFIG SET maxmemory-policy noeviction"), std::string::npos) << text;
  redis_connection x{server.url(), eager, {}};
  EXPECT_TRUE(x.ready());
  server.kill();
  server.start({});
  EXPECT_FALSE(x.ready()) << "once it is fixed";
}

TEST(redis_greeting, tells_a_wrong_password_from_a_missing_one) {
  redis_server server{{"--requirepass", "secret"}};
  auto url = server.url();
  EXPECT_NE(refusal(url, errc::config).find("requires a password"), std::string::npos);
  url.password = "wrong-one";
  auto text = refusal(url, errc::config);
  EXPECT_NE(text.find("refuses the user or password"), std::string::npos);
  EXPECT_EQ(text.find("wrong-one"), std::string::npos);
  url.user = "nobody";
  EXPECT_NE(refusal(url, errc::config).find("refuses the user or password"), std::string::npos);
  url.user = "default";
  url.password = "secret";
  redis_connection x{url, eager, scripts};
  EXPECT_FALSE(x.ready());
}

TEST(redis_greeting, says_that_no_password_is_wanted) {
  auto url = redis_server::shared().url();
  url.password = "needless";
  EXPECT_NE(refusal(url, errc::config).find("without any password configured"), std::string::npos);
}

TEST(redis_greeting, refuses_a_db_that_is_not_there) {
  auto url = redis_server::shared().url();
  url.db = 99;
  auto text = refusal(url, errc::config);
  EXPECT_NE(text.find("has no db 99"), std::string::npos) << text;
}

TEST(redis_greeting, refuses_old_servers_replicas_and_loading_ones) {
  auto with = [](std::string version, std::string role, std::string loading) {
    fake_redis::behaviour how;
    how.info = "redis_version:" + version + "\r\nrole:" + role + "\r\nloading:" + loading +
               "\r\nmaxmemory_policy:noeviction\r\nrun_id:x\r\n";
    fake_redis server{how};
    redis_connection x{server.url(), eager, {}};
    auto failure = x.ready();
    return failure ? to_string(static_cast<errc>(failure.code())) + ": " + render(failure) : "fine";
  };
  EXPECT_EQ(with("6.0.16", "master", "0"), "fine");
  EXPECT_NE(with("5.0.14", "master", "0").find("Redis 6.0 or later is needed"), std::string::npos);
  EXPECT_NE(with("7.0.15", "slave", "0").find("is a replica"), std::string::npos);
  EXPECT_NE(with("7.0.15", "master", "1").find("is loading its data"), std::string::npos);
  EXPECT_NE(with("", "master", "0").find("version ''"), std::string::npos);
}

} // namespace
} // namespace stentor::storage::test
