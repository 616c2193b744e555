// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config.hpp"

#include "tests/actors/config/config_fixture.hpp"

#include <regex>

#include <unistd.h>

using namespace stentor;
using namespace stentor::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// -- keys ----

TEST(config_keys, a_weak_or_wrong_one_is_refused_without_being_repeated) {
  auto text = complaint({"--token-key", "k:HS256:short"});
  EXPECT_NE(text.find("at least 32 bytes"), std::string::npos);
  EXPECT_EQ(text.find("short"), std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:none:" + secret}).find("HS256, RS256, ES256"), std::string::npos);
  EXPECT_NE(
      complaint({"--token-key", "k:HS256:-----BEGIN PUBLIC KEY-----xxxxxxxxxxxxxxxx"}).find("not a PEM key"),
      std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:RS256:" + secret}).find("PEM public key"), std::string::npos);
  EXPECT_NE(complaint({"--token-key", "k:ES256:-----BEGIN EC PRIVATE KEY-----"}).find("a public key"),
            std::string::npos);
  EXPECT_NE(complaint({"--api-key", "too short"}).find("16 to 256"), std::string::npos);
}

TEST(config_keys, two_may_not_share_a_kid) {
  EXPECT_NE(complaint({"--token-key", "k:HS256:" + secret, "--token-key", "k:HS256:" + secret + "x"})
                .find("a kid that no other key uses"),
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
                "/s.toml:2: max-frame-bytes = \"64KB\": expected a size from 1KiB to 16MiB, such as 65536, "
                "64KiB or 1MiB");
  EXPECT_NE(complaint_about("ping-timeout = 9\n").find("a duration from"), std::string::npos);
  EXPECT_NE(complaint_about("loops = [1, 2]\n").find("takes one value"), std::string::npos);
  EXPECT_NE(complaint_about("loops = {a = 1}\n").find("expected "), std::string::npos);
  EXPECT_NE(complaint_about("loops = 2024-01-01\n").find("expected "), std::string::npos);
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
      example = std::regex_replace(example, std::regex{"\"[^\"]*\\.(pem|key)\""}, "\"" + dir_ + "/key.pem\"");
      example = std::regex_replace(example, std::regex{"\"[^\"]*\\.secret\""}, "\"" + dir_ + "/key.secret\"");
      example = std::regex_replace(example, std::regex{"@[^\"]*api-keys"}, "@" + dir_ + "/api-keys");
      auto got = read(example);
      EXPECT_TRUE(got) << doc << ": " << render(got.error());
    }
  }
  EXPECT_EQ(found, 3u);
}
