// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_url.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stentor::storage {
namespace {

redis_url parsed(std::string_view text) {
  auto url = parse_redis_url(text);
  EXPECT_TRUE(url) << text << ": " << render(url.error());
  return url ? *url : redis_url{};
}

std::string refusal(std::string_view text) {
  auto url = parse_redis_url(text);
  EXPECT_FALSE(url) << text;
  if (url)
    return "";
  EXPECT_EQ(url.error(), errc::config);
  return render(url.error());
}

TEST(redis_url, reads_host_port_and_db) {
  EXPECT_EQ(parsed("redis://redis.example:6380/3"), (redis_url{"redis.example", 6380, "", "", "", 3}));
  EXPECT_EQ(parsed("redis://127.0.0.1"), (redis_url{"127.0.0.1", 6379, "", "", "", 0}));
  EXPECT_EQ(parsed("redis://h/"), (redis_url{"h", 6379, "", "", "", 0}));
  EXPECT_EQ(parsed("redis://[::1]:7000/1"), (redis_url{"::1", 7000, "", "", "", 1}));
  EXPECT_EQ(parsed("redis://[fe80::1]"), (redis_url{"fe80::1", 6379, "", "", "", 0}));
}

TEST(redis_url, reads_user_and_password_percent_encoded_or_not) {
  EXPECT_EQ(parsed("redis://u:p@h:1"), (redis_url{"h", 1, "", "u", "p", 0}));
  EXPECT_EQ(parsed("redis://:p:q@h"), (redis_url{"h", 6379, "", "", "p:q", 0}));
  EXPECT_EQ(parsed("redis://u%3A:%40%2f%25@h"), (redis_url{"h", 6379, "", "u:", "@/%", 0}));
  EXPECT_EQ(parsed("redis://:p@q@h").password, "p@q") << "the last @ ends it";
}

TEST(redis_url, reads_a_socket_file) {
  EXPECT_EQ(parsed("unix:///run/redis.sock"), (redis_url{"", 6379, "/run/redis.sock", "", "", 0}));
  EXPECT_EQ(parsed("unix:///r?db=12"), (redis_url{"", 6379, "/r", "", "", 12}));
}

TEST(redis_url, shows_an_address_without_the_password) {
  EXPECT_EQ(parsed("redis://u:secret@h:7000/2").shown(), "h:7000/2");
  EXPECT_EQ(parsed("redis://[::1]").shown(), "[::1]:6379");
  EXPECT_EQ(parsed("unix:///r").shown(), "unix:/r");
  EXPECT_EQ(parsed("unix:///r?db=4").shown(), "unix:/r?db=4");
}

TEST(redis_url, says_what_is_wrong_and_what_is_allowed) {
  EXPECT_NE(refusal("memory").find("does not start with redis:// or unix://"), std::string::npos);
  EXPECT_NE(refusal("rediss://h").find("TLS"), std::string::npos);
  EXPECT_NE(refusal("redis://h:0").find("port that is not a number of 1 to 65535"), std::string::npos);
  EXPECT_NE(refusal("redis://h/x").find("db that is not"), std::string::npos);
  for (auto text : {"",
                    "redis://",
                    "redis:///0",
                    "redis://h:",
                    "redis://h:65536",
                    "redis://h:1x",
                    "redis://h:-1",
                    "redis://h:1:2",
                    "redis://h/1/2",
                    "redis://h/65536",
                    "redis://h/-1",
                    "redis://h?db=1",
                    "redis://u@h",
                    "redis://u:@h",
                    "redis://:%4@h",
                    "redis://:%zz@h",
                    "redis://:p%@h",
                    "redis://[]",
                    "redis://[::1",
                    "redis://[::1]x",
                    "redis://[::1]:",
                    "redis://[h]",
                    "redis://a b",
                    "redis://h\n",
                    "redis://h\xff",
                    "redis://h*",
                    "unix://",
                    "unix:///",
                    "unix://run/x",
                    "unix:///r?",
                    "unix:///r?db=",
                    "unix:///r?db=x",
                    "unix:///r?x=1",
                    "REDIS://h"})
    EXPECT_NE(refusal(text).find("allowed: redis://"), std::string::npos) << text;
  refusal("redis://" + std::string(254, 'h'));
  refusal("redis://h/" + std::string(2000, '1'));
  refusal("unix:///" + std::string(107, 'p'));
}

TEST(redis_url, never_repeats_a_password_in_a_refusal) {
  for (auto text :
       {"redis://u:hunter2@h:x", "redis://u:hunter2@", "redis://u:hunter2@h/y", "redis://hunter2@h"})
    EXPECT_EQ(refusal(text).find("hunter2"), std::string::npos) << text;
}

TEST(redis_url, stands_every_text) {
  std::mt19937_64 random{7};
  const std::string_view letters = "redisunx:/@[]?%=.0159afg-db \x01\xff";
  for (int i = 0; i < 50'000; ++i) {
    std::string text = i % 3 == 0 ? "" : i % 3 == 1 ? "redis://" : "unix://";
    for (auto left = random() % 24; left > 0; --left)
      text.push_back(letters[random() % letters.size()]);
    auto url = parse_redis_url(text);
    if (url) {
      EXPECT_TRUE(url->host.empty() != url->path.empty()) << text;
      EXPECT_NE(url->port, 0) << text;
    }
  }
}

} // namespace
} // namespace stentor::storage
