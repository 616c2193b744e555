// SPDX-License-Identifier: Apache-2.0
#include "actors/config.hpp"

#include "actors/config_settings.hpp"
#include "actors/config_values.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <unistd.h>

using namespace stentor;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const std::string secret(32, 's');

/// Reads a command line; `stentord` itself is put in front.
caf::expected<launch> read_args(std::vector<std::string> args) {
  std::vector<const char *> argv{"stentord"};
  for (auto &arg : args)
    argv.push_back(arg.c_str());
  return read_command_line(static_cast<int>(argv.size()), argv.data());
}

/// What is said about a refused command line; fails the test where it was taken.
std::string complaint(std::vector<std::string> args) {
  auto got = read_args(std::move(args));
  EXPECT_FALSE(got) << "was taken";
  return got ? std::string{} : render(got.error());
}

std::string slurp(const std::string &path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class config_file : public testing::Test {
protected:
  config_file() {
    auto pattern = (std::filesystem::temp_directory_path() / "stentor-config-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~config_file() override { std::filesystem::remove_all(dir_); }

  std::string write(const std::string &name, const std::string &text) {
    auto path = dir_ + "/" + name;
    std::ofstream{path} << text;
    return path;
  }
  /// Reads a file of this text and further flags.
  caf::expected<launch> read(const std::string &text, std::vector<std::string> args = {}) {
    args.insert(args.begin(), {"--config", write("s.toml", text)});
    return read_args(std::move(args));
  }
  std::string complaint_about(const std::string &text) {
    auto got = read(text);
    EXPECT_FALSE(got) << "was taken: " << text;
    return got ? std::string{} : render(got.error());
  }

  std::string dir_;
};

} // namespace

// -- values ----

TEST(config_values, a_duration_has_a_unit) {
  EXPECT_EQ(duration_from("500ms"), 500ms);
  EXPECT_EQ(duration_from("8s"), 8s);
  EXPECT_EQ(duration_from("30m"), 30min);
  EXPECT_EQ(duration_from("2h"), 2h);
  for (auto bad :
       {"", "8", "s", "-1s", "1.5s", "8 s", "8S", "8sec", "99999999999999999999s", "9223372036854775807h"})
    EXPECT_FALSE(duration_from(bad)) << bad;
}

TEST(config_values, a_size_is_bytes_or_has_a_binary_unit) {
  EXPECT_EQ(size_from("65536"), 65536u);
  EXPECT_EQ(size_from("64KiB"), 65536u);
  EXPECT_EQ(size_from("1MiB"), 1048576u);
  for (auto bad : {"", "64KB", "64k", "KiB", "-1", "1.5MiB", "0x10", "18446744073709551615KiB"})
    EXPECT_FALSE(size_from(bad)) << bad;
}

TEST(config_values, a_printed_value_reads_back_as_itself) {
  for (auto ms : {0ms, 1ms, 500ms, 1000ms, 1500ms, 60000ms, 90000ms, 1800000ms, 3600000ms})
    EXPECT_EQ(duration_from(to_text(ms)), ms) << to_text(ms);
  for (auto bytes : {0u, 1u, 1000u, 1024u, 65536u, 1048576u, 1073741824u, 1048577u})
    EXPECT_EQ(size_from(size_text(bytes)), bytes) << size_text(bytes);
}

TEST(config_values, this_host_has_a_valid_name) {
  EXPECT_TRUE(is_valid_id(host_node_id().str()));
}

// -- the table ----

TEST(config_table, has_a_setting_for_every_limit) {
  auto header = slurp(STENTOR_SOURCE_DIR "/cluster/limits.hpp");
  std::regex member{R"((?:milliseconds|size_t|int|double) ([a-z_]+)\s*(?:=|\{))"};
  size_t found = 0;
  for (std::sregex_iterator it{header.begin(), header.end(), member}, end; it != end; ++it, ++found) {
    auto name = (*it)[1].str();
    std::ranges::replace(name, '_', '-');
    EXPECT_NE(find_setting(name), nullptr) << name;
  }
  EXPECT_GT(found, 40u);
}

TEST(config_table, takes_its_own_defaults_back) {
  auto conf = default_config();
  for (auto &s : all_settings()) {
    if (s.is_list())
      continue;
    auto shown = s.show(conf);
    if (shown.starts_with('"'))
      shown = shown.substr(1, shown.size() - 2);
    auto no = s.read(conf, shown);
    EXPECT_FALSE(no) << s.name << " = " << shown << ": " << no.value_or("");
    EXPECT_EQ(s.show(conf), s.show(default_config())) << s.name;
  }
}

TEST(config_table, refuses_nonsense_everywhere) {
  for (auto &s : all_settings())
    for (auto text : {"", "no such value", "-1", "99999999999h"}) {
      auto conf = default_config();
      // A node or a cluster may well have such a name, and what may be absent may be empty.
      if ((s.name == "node-id" || s.name == "cluster") && is_valid_id(text))
        continue;
      if (s.show(conf) == "\"\"" && std::string_view{text}.empty())
        continue;
      EXPECT_TRUE(s.read(conf, text)) << s.name << " took " << text;
      EXPECT_EQ(print_config(conf), print_config(default_config())) << s.name << " kept " << text;
    }
}

TEST(config_table, is_what_the_documentation_says) {
  auto path = std::string{STENTOR_SOURCE_DIR "/docs/configuration.md"};
  auto text = slurp(path);
  auto begin_mark = std::string{"<!-- settings: written by the test of the table -->\n"};
  auto begin = text.find(begin_mark);
  auto end = text.find("<!-- end of settings -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  begin += begin_mark.size();
  auto expected = settings_markdown() + "\n";
  if (text.substr(begin, end - begin) != expected && std::getenv("STENTOR_UPDATE_DOCS") != nullptr) {
    std::ofstream{path} << text.substr(0, begin) + expected + text.substr(end);
    text = slurp(path);
    end = text.find("<!-- end of settings -->");
  }
  EXPECT_EQ(text.substr(begin, end - begin), expected)
      << "STENTOR_UPDATE_DOCS=1 with this test writes it anew";
}

// -- flags ----

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
  EXPECT_EQ(complaint({"--loops", "0"}), "--loops \"0\": allowed is a whole number from 1 to 256");
  EXPECT_EQ(complaint({"--log-level", "loud"}),
            "--log-level \"loud\": allowed is one of: debug, info, warn, error");
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
  EXPECT_NE(complaint({"stray"}).find("\"stray\" is no flag"), std::string::npos);
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
    EXPECT_NE(complaint({"--dev-auth", listener, "0.0.0.0:7500"}).find("both listeners on loopback"),
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

// -- keys ----

TEST(config_keys, a_weak_or_wrong_one_is_refused_without_being_repeated) {
  auto text = complaint({"--token-key", "k:HS256:short"});
  EXPECT_NE(text.find("at least 32 bytes"), std::string::npos);
  EXPECT_EQ(text.find("short"), std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:none:" + secret}).find("HS256, RS256, ES256"), std::string::npos);
  EXPECT_NE(
      complaint({"--token-key", "k:HS256:-----BEGIN PUBLIC KEY-----xxxxxxxxxxxxxxxx"}).find("no PEM key"),
      std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:RS256:" + secret}).find("PEM public key"), std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:ES256:-----BEGIN EC PRIVATE KEY-----"}).find("a public key"),
            std::string::npos);
  EXPECT_NE(complaint({"--api-key", "too short"}).find("16 to 256"), std::string::npos);
}

TEST(config_keys, two_may_not_share_a_kid) {
  EXPECT_NE(complaint({"--token-key", "k:HS256:" + secret, "--token-key", "k:HS256:" + secret + "x"})
                .find("a kid that no other key has"),
            std::string::npos);
}

TEST_F(config_file, keys_come_from_files) {
  auto token = write("t.secret", secret + "\n");
  auto api = write("api", "# rotated in May\n0123456789abcdef\r\n\nfedcba9876543210\n");
  auto got = read("[[token_keys]]\nkid = \"a\"\nalgorithm = \"HS256\"\nfile = \"" + token + "\"\n",
                  {"--api-key", "@" + api});
  ASSERT_TRUE(got) << render(got.error());
  ASSERT_EQ(got->conf.token_keys.size(), 1u);
  EXPECT_EQ(got->conf.token_keys[0].material, secret);
  EXPECT_EQ(got->conf.api_keys, (std::vector<std::string>{"0123456789abcdef", "fedcba9876543210"}));
  EXPECT_NE(complaint({"--api-key", "@" + dir_ + "/none"}).find("No such file"), std::string::npos);
  EXPECT_NE(complaint({"--api-key", "@" + dir_}).find("is a directory"), std::string::npos);
}

// -- the file ----

TEST_F(config_file, sets_values_and_flags_override_them) {
  auto got = read("node-id = \"n1\"\nloops = 2\nmessage-rate = 20\nping-timeout = \"9s\"\n"
                  "allow-origin = [\"https://a.example\"]\n",
                  {"--loops", "4"});
  ASSERT_TRUE(got) << render(got.error());
  EXPECT_EQ(got->conf.node.str(), "n1");
  EXPECT_EQ(got->conf.loops, 4u);
  EXPECT_EQ(got->conf.lim.message_rate, 20);
  EXPECT_EQ(got->conf.lim.ping_timeout, 9s);
  EXPECT_EQ(got->conf.allow_origins.size(), 1u);
  EXPECT_EQ(got->conf.sources["loops"], "flag");
  EXPECT_TRUE(got->conf.sources["ping-timeout"].ends_with("s.toml:4")) << got->conf.sources["ping-timeout"];
}

TEST_F(config_file, a_wrong_value_is_refused_with_file_line_value_and_what_is_allowed) {
  EXPECT_EQ(complaint_about("loops = 2\nmax-frame-bytes = \"64KB\"\n"),
            dir_ +
                "/s.toml:2: max-frame-bytes = \"64KB\": allowed is a size from 1KiB to 16MiB, such as 65536, "
                "64KiB or 1MiB");
  EXPECT_NE(complaint_about("ping-timeout = 9\n").find("a duration from"), std::string::npos);
  EXPECT_NE(complaint_about("loops = [1, 2]\n").find("is one value"), std::string::npos);
  EXPECT_NE(complaint_about("loops = {a = 1}\n").find("allowed is"), std::string::npos);
  EXPECT_NE(complaint_about("loops = 2024-01-01\n").find("allowed is"), std::string::npos);
}

TEST_F(config_file, an_unknown_key_is_answered_with_the_nearest) {
  EXPECT_EQ(complaint_about("max_frame_bytes = 1\n"),
            dir_ + "/s.toml:1: unknown setting \"max_frame_bytes\", did you mean \"max-frame-bytes\"?");
  EXPECT_NE(complaint_about("[[token_keys]]\nkid=\"a\"\nalg=\"HS256\"\n").find("token_keys.alg: unknown"),
            std::string::npos);
}

TEST_F(config_file, what_does_not_parse_is_refused_with_its_line) {
  EXPECT_TRUE(complaint_about("loops = 1\nnode-id = \n").starts_with(dir_ + "/s.toml:2: "));
  EXPECT_NE(complaint({"--config", dir_ + "/none.toml"}).find("No such file"), std::string::npos);
  EXPECT_NE(complaint_about(std::string(2 * 1024 * 1024, '#')).find("larger than 1MiB"), std::string::npos);
}

TEST_F(config_file, what_is_printed_shows_each_source_and_no_secret) {
  auto got =
      read("loops = 2\n[[token_keys]]\nkid = \"a\"\nalgorithm = \"HS256\"\nsecret = \"" + secret + "\"\n",
           {"--api-key", "0123456789abcdef", "--print-config"});
  ASSERT_TRUE(got) << render(got.error());
  EXPECT_EQ(got->text.find(secret), std::string::npos);
  EXPECT_EQ(got->text.find("0123456789abcdef"), std::string::npos);
  auto matches = [&](const char *pattern) { return std::regex_search(got->text, std::regex{pattern}); };
  EXPECT_TRUE(matches("(^|\n)loops = 2 +# .*s.toml:1\n")) << got->text;
  EXPECT_TRUE(matches("\napi-key = \\[set\\] +# flag\n")) << got->text;
  EXPECT_TRUE(matches("\ntoken-key = \\[\"a:HS256:set\"\\] +# .*s.toml:2\n")) << got->text;
  EXPECT_TRUE(matches("\nping-timeout = \"10s\" +# default\n")) << got->text;
}

TEST_F(config_file, flags_replace_a_list_of_the_file) {
  auto got = read("allow-origin = [\"https://a.example\", \"https://b.example\"]\n",
                  {"--allow-origin", "https://c.example"});
  ASSERT_TRUE(got) << render(got.error());
  EXPECT_EQ(got->conf.allow_origins, std::vector<std::string>{"https://c.example"});
}

TEST_F(config_file, every_example_of_the_documentation_is_taken) {
  write("key.pem", "-----BEGIN PUBLIC KEY-----");
  write("key.secret", secret);
  write("api-keys", "0123456789abcdef");
  size_t found = 0;
  for (auto doc : {"/docs/configuration.md", "/docs/deploy.md"}) {
    auto text = slurp(std::string{STENTOR_SOURCE_DIR} + doc);
    std::regex block{"```toml\n([^`]*)```"};
    for (std::sregex_iterator it{text.begin(), text.end(), block}, end; it != end; ++it, ++found) {
      auto example = (*it)[1].str();
      // Their files do not exist here.
      example = std::regex_replace(example, std::regex{"\"[^\"]*\\.pem\""}, "\"" + dir_ + "/key.pem\"");
      example = std::regex_replace(example, std::regex{"\"[^\"]*\\.secret\""}, "\"" + dir_ + "/key.secret\"");
      example = std::regex_replace(example, std::regex{"@[^\"]*api-keys"}, "@" + dir_ + "/api-keys");
      auto got = read(example);
      EXPECT_TRUE(got) << doc << ": " << render(got.error());
    }
  }
  EXPECT_EQ(found, 2u);
}
