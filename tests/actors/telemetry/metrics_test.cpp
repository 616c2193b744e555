// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/metrics.hpp"

#include "actors/telemetry/metrics_table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

using namespace stentor;
using namespace stentor::actors;
using namespace std::chrono_literals;

namespace {

struct metrics_of_loops : metrics {
  explicit metrics_of_loops(size_t count) : metrics{node_id::trusted("n1"), count} {}
};

/// The value of the one sample that starts with `name_and_labels`.
double sample(const std::string &text, const std::string &name_and_labels) {
  auto at = ("\n" + text).find("\n" + name_and_labels + " ");
  EXPECT_NE(at, std::string::npos) << name_and_labels << " is missing in\n" << text;
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name_and_labels.size(), nullptr);
}

std::string slurp(const std::string &path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr auto few_words = std::to_array<std::string_view>({"one", "two"});

} // namespace

TEST(counters, are_read_by_other_threads_and_lose_nothing_of_their_one_writer) {
  counter c;
  gauge g;
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (int i = 0; i < 100'000; ++i) {
      c.add();
      g.add();
      g.sub();
    }
    done = true;
  }};
  uint64_t last = 0;
  while (!done) {
    auto now = c.value();
    EXPECT_GE(now, last);
    last = now;
  }
  writer.join();
  EXPECT_EQ(c.value(), 100'000u);
  EXPECT_EQ(g.value(), 0);
}

TEST(counters, put_words_outside_their_set_together) {
  word_counters<few_words> words;
  words.add("two");
  words.add("a client's own word");
  words.add("");
  EXPECT_EQ(words.value(0), 0u);
  EXPECT_EQ(words.value(1), 1u);
  EXPECT_EQ(words.value(2), 2u);
  EXPECT_EQ(words.word(2), "other");
}

TEST(time_histogram, puts_a_bound_into_the_bucket_it_closes) {
  for (size_t i = 0; i < time_histogram::bucket_count; ++i) {
    auto bound = uint64_t{1} << (i + time_histogram::least_power);
    EXPECT_EQ(time_histogram::bucket_of(bound), i);
    EXPECT_EQ(time_histogram::bucket_of(bound + 1), i + 1);
  }
  EXPECT_EQ(time_histogram::bucket_of(0), 0u);
  EXPECT_EQ(time_histogram::bucket_of(UINT64_MAX), time_histogram::bucket_count);
}

TEST(time_histogram, takes_a_clock_that_went_back_as_nothing) {
  time_histogram h;
  h.observe(-5s);
  EXPECT_EQ(h.in_bucket(0), 1u);
  EXPECT_EQ(h.sum_ns(), 0u);
}

TEST(exposition, sums_loops_and_keeps_verdict_road_and_want_apart) {
  metrics_of_loops m{2};
  m.loop(0).message(verdict::written, source::device, want::none);
  m.loop(1).message(verdict::written, source::device, want::none);
  m.loop(1).message(verdict::offline, source::http, want::written);
  auto text = m.exposition();
  EXPECT_EQ(sample(text, R"(stentor_messages_total{verdict="written",source="device",want="none"})"), 2);
  EXPECT_EQ(sample(text, R"(stentor_messages_total{verdict="offline",source="http",want="written"})"), 1);
  EXPECT_EQ(sample(text, R"(stentor_messages_total{verdict="acked",source="http",want="acked"})"), 0);
}

TEST(exposition, leaves_the_senders_mistakes_out_of_the_delivery_ratio) {
  metrics_of_loops m{2};
  EXPECT_EQ(sample(m.exposition(), "stentor_delivery_ratio"), 1);
  for (auto v : {verdict::written, verdict::acked, verdict::duplicate, verdict::offline, verdict::refused,
                 verdict::limited, verdict::invalid})
    m.loop(0).message(v, source::device, want::written);
  auto text = m.exposition();
  EXPECT_EQ(sample(text, "stentor_delivery_ratio"), 0.75);
  EXPECT_EQ(sample(text, R"(stentor_deliveries_total{result="delivered"})"), 3);
  EXPECT_EQ(sample(text, R"(stentor_deliveries_total{result="sender"})"), 3);
}

TEST(exposition, counts_every_verdict_in_exactly_one_result) {
  metrics_of_loops m{1};
  for (size_t v = 0; v < verdict_count; ++v)
    m.loop(0).message(static_cast<verdict>(v), source::http, want::acked);
  auto text = m.exposition();
  double total = 0;
  for (auto result : {"delivered", "not_delivered", "unknown", "sender"})
    total += sample(text, std::string{R"(stentor_deliveries_total{result=")"} + result + "\"}");
  EXPECT_EQ(total, verdict_count);
}

TEST(exposition, shows_reasons_and_queues) {
  metrics_of_loops m{2};
  m.loop(0).connection_closed("slow");
  m.loop(1).connection_closed("slow");
  m.loop(1).rejected("no such reason");
  m.loop(1).depth(queue::lane_bytes, 4096);
  m.loop(0).overflow(queue::inbox);
  m.node().directory_devices = 3;
  auto text = m.exposition();
  EXPECT_EQ(sample(text, R"(stentor_closes_total{reason="slow"})"), 2);
  EXPECT_EQ(sample(text, R"(stentor_rejected_total{reason="other"})"), 1);
  EXPECT_EQ(sample(text, R"(stentor_queue_depth{queue="lane_bytes",loop="1"})"), 4096);
  EXPECT_EQ(sample(text, R"(stentor_queue_overflows_total{queue="inbox"})"), 1);
  EXPECT_EQ(sample(text, "stentor_directory_devices"), 3);
}

TEST(exposition, has_cumulative_histograms_whose_count_agrees) {
  metrics_of_loops m{1};
  m.loop(0).turn(10us);
  m.loop(0).turn(1ms);
  m.loop(0).turn(1min);
  auto text = m.exposition();
  EXPECT_EQ(sample(text, R"(stentor_loop_lag_seconds_bucket{loop="0",le="1.6e-05"})"), 1);
  EXPECT_EQ(sample(text, R"(stentor_loop_lag_seconds_bucket{loop="0",le="0.001024"})"), 2);
  EXPECT_EQ(sample(text, R"(stentor_loop_lag_seconds_bucket{loop="0",le="+Inf"})"), 3);
  EXPECT_EQ(sample(text, R"(stentor_loop_lag_seconds_count{loop="0"})"), 3);
  EXPECT_NEAR(sample(text, R"(stentor_loop_lag_seconds_sum{loop="0"})"), 60.00101, 1e-6);
}

TEST(exposition, publishes_what_the_event_loop_counts_in_plain_memory) {
  metrics_of_loops m{1};
  net::io_counters io;
  io.sends = 7;
  io.bytes_out = 1000;
  m.loop(0).publish(io);
  auto text = m.exposition();
  EXPECT_EQ(sample(text, "stentor_io_sends_total"), 7);
  EXPECT_EQ(sample(text, "stentor_io_sent_bytes_total"), 1000);
}

TEST(exposition, knows_this_process) {
  auto text = metrics_of_loops{2}.exposition();
  EXPECT_GT(sample(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(sample(text, "process_open_fds"), 3);
  EXPECT_GE(sample(text, "process_max_fds"), sample(text, "process_open_fds"));
  EXPECT_GT(sample(text, "process_cpu_seconds_total"), 0);
  EXPECT_GT(sample(text, "process_start_time_seconds"), 1.7e9);
  EXPECT_EQ(sample(text, R"(stentor_info{version=")" STENTOR_VERSION R"(",node="n1"})"), 1);
}

TEST(exposition, is_well_formed_line_by_line) {
  auto text = metrics_of_loops{2}.exposition();
  std::regex good{
      R"(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? [-+0-9.eInf]+)"};
  std::istringstream lines{text};
  std::set<std::string> series;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(std::regex_match(line, good)) << line;
    auto is_new = line.starts_with('#') || series.insert(line.substr(0, line.rfind(' '))).second;
    EXPECT_TRUE(is_new) << "twice: " << line;
  }
  EXPECT_GT(series.size(), 200u);
}

TEST(exposition, may_be_read_while_loops_count) {
  metrics_of_loops m{2};
  std::atomic<bool> stop{false};
  std::thread loop{[&] {
    while (!stop) {
      m.loop(0).message(verdict::written, source::device, want::none);
      m.loop(0).turn(20us);
      m.loop(0).rejected("rate");
    }
  }};
  double last = 0;
  for (int i = 0; i < 20; ++i) {
    auto now = sample(m.exposition(), R"(stentor_deliveries_total{result="delivered"})");
    EXPECT_GE(now, last);
    last = now;
  }
  stop = true;
  loop.join();
}

TEST(metrics_table, is_what_the_documentation_says) {
  auto path = std::string{STENTOR_SOURCE_DIR "/docs/metrics.md"};
  auto text = slurp(path);
  auto begin_mark = std::string{"<!-- metrics: written by the test of the table -->\n"};
  auto begin = text.find(begin_mark);
  auto end = text.find("<!-- end of metrics -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  begin += begin_mark.size();
  auto expected = "\n" + metrics_markdown() + "\n";
  if (text.substr(begin, end - begin) != expected && std::getenv("STENTOR_UPDATE_DOCS") != nullptr) {
    std::ofstream{path} << text.substr(0, begin) + expected + text.substr(end);
    text = slurp(path);
    end = text.find("<!-- end of metrics -->");
  }
  EXPECT_EQ(text.substr(begin, end - begin), expected)
      << "STENTOR_UPDATE_DOCS=1 with this test writes it anew";
}

TEST(metrics_table, has_every_name_that_the_documentation_uses) {
  auto exposed = metrics_of_loops{2}.exposition();
  std::regex name{R"(\bstentor_[a-z_]+)"};
  for (auto *path : {"/docs/metrics.md", "/docs/deploy.md", "/docs/benchmark.md", "/README.md"}) {
    auto text = slurp(std::string{STENTOR_SOURCE_DIR} + path);
    for (std::sregex_iterator it{text.begin(), text.end(), name}, end; it != end; ++it)
      EXPECT_NE(exposed.find("\n" + it->str()), std::string::npos) << path << ": " << it->str();
  }
}

TEST(metrics_table, has_exactly_what_is_exposed) {
  auto text = metrics_of_loops{2}.exposition();
  std::set<std::string> exposed;
  std::regex type{R"(# TYPE ([a-z_]+) )"};
  for (std::sregex_iterator it{text.begin(), text.end(), type}, end; it != end; ++it)
    exposed.insert((*it)[1]);
  std::set<std::string> listed;
  for (auto &entry : all_metrics()) {
    EXPECT_TRUE(listed.insert(entry.name).second) << entry.name << " stands twice";
    EXPECT_EQ(entry.type == prometheus::MetricType::Counter, entry.name.ends_with("_total")) << entry.name;
  }
  EXPECT_EQ(exposed, listed);
}

TEST(label_words, are_in_their_sets_wherever_the_code_says_one) {
  // A word outside its set would only show as `other`.
  struct use {
    const char *pattern;
    std::function<bool(std::string_view)> known;
  };
  auto in = [](const auto &words) {
    return [&words](std::string_view x) { return std::ranges::find(words, x) != words.end(); };
  };
  const use uses[] = {
      {R"re(rejected\("([a-z0-9_]+)"\))re", in(reject_reasons)},
      {R"re(refuse_with\([^;]*"([a-z0-9_]+)"\))re", in(reject_reasons)},
      {R"re(auth_failure\("([a-z0-9_]+)"\))re", in(auth_refusals)},
      {R"re(\bwhy = "([a-z0-9_]+)")re", in(auth_refusals)},
      {R"re(handover\([^)]*"([a-z0-9_]+)"\))re", in(handover_results)},
      {R"re((?:close|leave)\([^;"]*close_code::\w+,\s*"([a-z0-9_]+)")re", in(close_reasons)},
  };
  size_t found = 0;
  for (auto folder : {"/actors", "/net"})
    for (auto &file :
         std::filesystem::recursive_directory_iterator{std::string{STENTOR_SOURCE_DIR} + folder}) {
      if (!file.is_regular_file())
        continue;
      auto text = slurp(file.path());
      for (auto &[pattern, known] : uses) {
        std::regex word{pattern};
        for (std::sregex_iterator it{text.begin(), text.end(), word}, end; it != end; ++it, ++found)
          EXPECT_TRUE(known((*it)[1].str())) << file.path() << ": " << it->str();
      }
    }
  EXPECT_GT(found, 10u);
}
