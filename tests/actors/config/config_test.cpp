// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config.hpp"

#include "tests/actors/config/config_fixture.hpp"

using namespace stentor;
using namespace stentor::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(config_flags, without_any_the_defaults_stand) {
  auto got = read_args({});
  ASSERT_TRUE(got) << render(got.error());
  EXPECT_TRUE(got->run);
  EXPECT_EQ(net::to_string(got->conf.device_listen), "127.0.0.1:7400");
  EXPECT_EQ(net::to_string(got->conf.api_listen), "127.0.0.1:7401");
  EXPECT_FALSE(got->conf.dev_auth);
  EXPECT_TRUE(got->conf.sources.empty());
}

TEST(config_flags, set_values_of_every_kind) {
  auto got = read_args({"--node-id",         "n1",
                        "--loops=3",         "--dev-auth",
                        "--log-level",       "debug",
                        "--log-format",      "json",
                        "--ping-interval",   "10s",
                        "--max-frame-bytes", "32KiB",
                        "--message-rate",    "2.5",
                        "--allow-origin",    "https://a.example",
                        "--allow-origin",    "http://b.example:8080",
                        "--api-key",         "0123456789abcdef",
                        "--token-key",       "k1:HS256:" + secret});
  ASSERT_TRUE(got) << render(got.error());
  auto &c = got->conf;
  EXPECT_EQ(c.node.str(), "n1");
  EXPECT_EQ(c.loops, 3u);
  EXPECT_TRUE(c.dev_auth);
  EXPECT_EQ(c.log_level, log::level::debug);
  EXPECT_EQ(c.log_format, log::format::json);
  EXPECT_EQ(c.lim.ping_interval, 10s);
  EXPECT_EQ(c.lim.max_frame_bytes, 32u * 1024);
  EXPECT_EQ(c.lim.message_rate, 2.5);
  EXPECT_EQ(c.allow_origins, (std::vector<std::string>{"https://a.example", "http://b.example:8080"}));
  EXPECT_EQ(c.api_keys, std::vector<std::string>{"0123456789abcdef"});
  ASSERT_EQ(c.token_keys.size(), 1u);
  EXPECT_EQ(c.token_keys[0].kid, "k1");
  EXPECT_EQ(c.token_keys[0].material, secret);
}

TEST(config_flags, say_what_is_allowed_in_place_of_a_wrong_value) {
  EXPECT_EQ(complaint({"--loops", "0"}), "--loops \"0\": expected a whole number from 1 to 256");
  EXPECT_EQ(complaint({"--log-level", "loud"}),
            "--log-level \"loud\": expected one of: debug, info, warn, error");
  EXPECT_NE(complaint({"--device-listen", "example.com:1"}).find("a numeric address and port"),
            std::string::npos);
}

TEST(config_flags, name_every_wrong_value_at_once) {
  auto text = complaint({"--loops", "0", "--ping-timeout", "soon"});
  EXPECT_NE(text.find("--loops"), std::string::npos);
  EXPECT_NE(text.find("--ping-timeout \"soon\""), std::string::npos);
}

TEST(config_flags, answer_an_unknown_flag_with_the_nearest) {
  EXPECT_EQ(complaint({"--max-frame-byte", "1KiB"}),
            "unknown flag --max-frame-byte, did you mean --max-frame-bytes?");
  EXPECT_EQ(complaint({"--frobnicate"}), "unknown flag --frobnicate; stentord --help lists all");
  EXPECT_NE(complaint({"stray"}).find("\"stray\" is not a flag"), std::string::npos);
}

TEST(config_flags, may_not_be_given_twice_unless_they_are_lists) {
  EXPECT_NE(complaint({"--loops", "1", "--loops", "2"}).find("--loops"), std::string::npos);
}

TEST(config_flags, development_mode_can_be_switched_off_again) {
  auto got = read_args({"--dev-auth=false"});
  ASSERT_TRUE(got) << render(got.error());
  EXPECT_FALSE(got->conf.dev_auth);
}

TEST(config_flags, development_mode_stays_on_loopback) {
  for (auto listener : {"--device-listen", "--api-listen"})
    EXPECT_NE(complaint({"--dev-auth", listener, "0.0.0.0:7500"}).find("both listeners are on loopback"),
              std::string::npos);
  EXPECT_TRUE(read_args({"--device-listen", "0.0.0.0:7500"}));
}

TEST(config_flags, help_version_and_print_config_do_not_run) {
  for (auto flag : {"--help", "--version", "--print-config"}) {
    auto got = read_args({flag});
    ASSERT_TRUE(got) << flag;
    EXPECT_FALSE(got->run) << flag;
    EXPECT_FALSE(got->text.empty()) << flag;
  }
  EXPECT_NE(read_args({"--help"})->text.find("Examples:"), std::string::npos);
}

TEST(config_flags, settings_are_checked_against_each_other) {
  EXPECT_NE(complaint({"--default-timeout", "40s"}).find("must not be above max-timeout"), std::string::npos);
  EXPECT_NE(complaint({"--session-lifetime", "1m"}).find("session-dither (default) = \"3m\""),
            std::string::npos);
  EXPECT_NE(complaint({"--api-listen", "127.0.0.1:7400"}).find("device-listen"), std::string::npos);
}

TEST(config_flags, a_node_nobody_can_use_is_warned_about) {
  EXPECT_EQ(read_args({})->conf.warnings.size(), 2u);
  EXPECT_EQ(
      read_args({"--api-key", "0123456789abcdef", "--token-key", ":HS256:" + secret})->conf.warnings.size(),
      0u);
}
