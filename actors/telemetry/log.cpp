// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/log.hpp"

#include <mutex>
#include <string>
#include <utility>

#include <poll.h>
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

/// Writes lines to stderr, whole and one after the other, and never waits long for its reader. Any thread.
class patient_writer {
public:
  void write(std::string line) {
    std::lock_guard guard{mutex_};
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, most_wait_ms) != 1 || (ready.revents & POLLOUT) == 0) {
      ++dropped_;
      return;
    }
    if (auto lost = std::exchange(dropped_, 0); lost > 0)
      put(render_line(form.load(std::memory_order_relaxed), wall_now(), level::warn, "log", "lines.dropped",
                      {{"count", lost}}) +
          "\n");
    // A write of its own: together they could be longer than what a ready pipe takes.
    line += '\n';
    put(line);
  }

private:
  static void put(std::string_view bytes) {
    [[maybe_unused]] auto taken = ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }

  std::mutex mutex_;
  uint64_t dropped_ = 0;
};

void write_line(level x, std::string_view component, std::string_view event, fields values,
                uint64_t suppressed) {
  static patient_writer writer;
  writer.write(
      render_line(form.load(std::memory_order_relaxed), wall_now(), x, component, event, values, suppressed));
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
