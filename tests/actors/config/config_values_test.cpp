// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_values.hpp"

#include "actors/config/config_settings.hpp"
#include "tests/actors/config/config_fixture.hpp"

#include <regex>

using namespace stentor;
using namespace stentor::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

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
