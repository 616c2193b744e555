// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/log.hpp"

#include "cluster/ids.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

using namespace stentor;
using namespace std::chrono_literals;
using log::format;
using log::level;

namespace {

/// Sends what is written to stderr into a pipe for its lifetime.
class captured_stderr {
public:
  captured_stderr() : saved_{dup(STDERR_FILENO)} {
    EXPECT_EQ(pipe2(ends_.data(), O_NONBLOCK), 0);
    dup2(ends_[1], STDERR_FILENO);
  }
  ~captured_stderr() {
    dup2(saved_, STDERR_FILENO);
    for (auto fd : {saved_, ends_[0], ends_[1]})
      close(fd);
  }
  std::string take() {
    std::string text;
    std::array<char, 4096> part;
    for (ssize_t n; (n = read(ends_[0], part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<size_t>(n));
    return text;
  }

private:
  std::array<int, 2> ends_{};
  int saved_;
};

// 2024-01-02T03:04:05.006Z
constexpr wall_ms some_time = 1704164645006;

} // namespace

TEST(log_line, has_time_level_component_event_and_pairs) {
  auto device = device_id::trusted("tv-1");
  EXPECT_EQ(log::render_line(format::text, some_time, level::info, "connection", "device.closed",
                             {{"device", device}, {"code", 4000}, {"clean", true}}),
            "2024-01-02T03:04:05.006Z info  connection device.closed device=tv-1 code=4000 clean=true");
}

TEST(log_line, is_one_json_object_on_request) {
  auto line = log::render_line(format::json, some_time, level::warn, "listener", "accept.failed",
                               {{"text", "a \"b\"\n\xff"}, {"count", size_t{7}}, {"lag", 0.25}});
  auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["time"], "2024-01-02T03:04:05.006Z");
  EXPECT_EQ(parsed["level"], "warn");
  EXPECT_EQ(parsed["text"], "a \"b\"\n\u00ff");
  EXPECT_EQ(parsed["count"], 7);
  EXPECT_EQ(parsed["lag"], 0.25);
}

TEST(log_line, lets_no_value_start_a_line_or_a_pair) {
  auto line = log::render_line(format::text, some_time, level::info, "c", "e",
                               {{"agent", "x\r\n2024-01-01T00:00:00Z error c forged admin=true\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("agent=\"x\\u000d\\n"), std::string::npos) << line;
}

TEST(log_line, keeps_every_byte_value_valid_json) {
  for (int c = 0; c < 256; ++c) {
    auto text = std::string{"<"} + static_cast<char>(c) + ">";
    auto line = log::render_line(format::json, some_time, level::info, "c", "e", {{"v", text}});
    EXPECT_TRUE(nlohmann::json::accept(line)) << c << ": " << line;
  }
}

TEST(log_line, redacts_what_looks_like_a_credential) {
  EXPECT_EQ(log::redact("GET /v1/connect?device=a&token=abc.def&x=1"),
            "GET /v1/connect?device=a&token=[redacted]&x=1");
  EXPECT_EQ(log::redact("Authorization: BEARER s3cret, other"), "Authorization: BEARER [redacted], other");
  EXPECT_EQ(log::redact("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln here"), "got [redacted] here");
  EXPECT_EQ(log::redact("eyJafjalla is a device"), "eyJafjalla is a device");
}

TEST(log_line, never_writes_the_value_of_a_secret_key) {
  for (auto form : {format::text, format::json}) {
    auto line = log::render_line(form, some_time, level::info, "c", "e", {{"token", "hunter2"}, {"n", 1}});
    EXPECT_EQ(line.find("hunter2"), std::string::npos);
    EXPECT_NE(line.find("[redacted]"), std::string::npos);
  }
}

TEST(log_line, stays_below_what_a_ready_pipe_takes) {
  auto huge = std::string(100'000, '\x01');
  for (auto form : {format::text, format::json}) {
    auto line = log::render_line(form, some_time, level::info, "c", "e",
                                 {{"a", huge},
                                  {"b", huge},
                                  {"c", huge},
                                  {"d", huge},
                                  {"f", huge},
                                  {"g", huge},
                                  {"h", huge},
                                  {"i", huge}});
    EXPECT_LE(line.size(), 4000u);
    EXPECT_TRUE(form == format::text || nlohmann::json::accept(line));
  }
}

TEST(log_output, leaves_out_what_is_less_serious_than_asked_for) {
  captured_stderr out;
  log::configure(level::warn, format::text);
  log::info("c", "quiet");
  log::warn("c", "loud");
  auto text = out.take();
  log::configure(level::info, format::text);
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud\n"), std::string::npos);
}

TEST(log_output, writes_once_a_second_and_says_how_many_it_kept) {
  captured_stderr out;
  log::once_a_second limited;
  auto now = time_point{} + 100s;
  for (int i = 0; i < 5; ++i)
    limited.warn(now + i * 100ms, "c", "e");
  limited.warn(now + 1s, "c", "e");
  auto text = out.take();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
  EXPECT_NE(text.find("c e suppressed=4\n"), std::string::npos) << text;
}

TEST(log_output, drops_lines_when_nobody_reads_and_says_so_later) {
  captured_stderr out;
  auto fill = std::string(500, 'x');
  for (int i = 0; i < 130; ++i) // a pipe holds 64 KiB; each refused line costs 10 ms
    log::info("c", "e", {{"fill", fill}});
  out.take();
  log::info("c", "after");
  auto text = out.take();
  EXPECT_NE(text.find("lines.dropped count="), std::string::npos) << text;
  EXPECT_NE(text.find("c after\n"), std::string::npos) << text;
}

TEST(log_output, writes_whole_lines_from_many_threads) {
  captured_stderr out;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i)
        log::info("c", "e", {{"fill", "abcdefghij"}});
    });
  for (auto &t : threads)
    t.join();
  auto text = out.take();
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    auto end = text.find('\n', at);
    EXPECT_TRUE(text.substr(at, end - at).ends_with("c e fill=abcdefghij"));
    at = end + 1;
  }
  EXPECT_EQ(lines, 200u);
}
