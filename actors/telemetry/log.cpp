// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/log.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace stentor::log {

namespace {

constexpr int most_wait_ms = 10;

std::atomic<level> least{level::info};
std::atomic<format> form{format::text};

wall_ms wall_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Writes to stderr and never waits long for whoever reads it.
class patient_sink final : public spdlog::sinks::base_sink<std::mutex> {
protected:
  void sink_it_(const spdlog::details::log_msg &msg) override {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, most_wait_ms) != 1 || (ready.revents & POLLOUT) == 0) {
      ++dropped_;
      return;
    }
    line_.clear();
    if (auto lost = std::exchange(dropped_, 0); lost > 0)
      line_ = render_line(form.load(std::memory_order_relaxed), wall_now(), level::warn, "log",
                          "lines.dropped", {{"count", lost}}) +
              "\n";
    // Two writes: together they could be longer than what a ready pipe takes.
    put(line_);
    line_.assign(msg.payload.data(), msg.payload.size());
    line_ += '\n';
    put(line_);
  }
  void flush_() override {}

private:
  static void put(std::string_view bytes) {
    if (!bytes.empty()) [[maybe_unused]]
      auto taken = ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }

  std::string line_;
  uint64_t dropped_ = 0;
};

spdlog::logger &logger() {
  static auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("stentor", std::make_shared<patient_sink>());
    made->set_level(spdlog::level::trace); // ours is checked before
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(level x) {
  switch (x) {
  case level::debug:
    return spdlog::level::debug;
  case level::info:
    return spdlog::level::info;
  case level::warn:
    return spdlog::level::warn;
  case level::error:
    return spdlog::level::err;
  }
  return spdlog::level::err;
}

void write_line(level x, std::string_view component, std::string_view event, fields values,
                uint64_t suppressed) {
  auto line =
      render_line(form.load(std::memory_order_relaxed), wall_now(), x, component, event, values, suppressed);
  logger().log(to_spdlog(x), spdlog::string_view_t{line.data(), line.size()});
}

} // namespace

void configure(level l, format f) {
  least.store(l, std::memory_order_relaxed);
  form.store(f, std::memory_order_relaxed);
}

bool is_on(level x) noexcept {
  return x >= least.load(std::memory_order_relaxed);
}

void write(level x, std::string_view component, std::string_view event, fields values) {
  if (is_on(x))
    write_line(x, component, event, values, 0);
}

void once_a_second::write(time_point now, level x, std::string_view component, std::string_view event,
                          fields values) {
  if (!is_on(x))
    return;
  auto ticks = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  auto due = next_.load(std::memory_order_relaxed);
  // Whoever wins the exchange writes; the others of this second only count.
  if (ticks < due || !next_.compare_exchange_strong(due, ticks + 1'000'000'000, std::memory_order_relaxed)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  write_line(x, component, event, values, suppressed_.exchange(0, std::memory_order_relaxed));
}

} // namespace stentor::log
