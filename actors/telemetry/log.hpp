// SPDX-License-Identifier: Apache-2.0
// Structured log lines on stderr: time, level, component, event, key=value pairs, as text or JSON. Values are
// escaped, so that no client can forge a line, and tokens are redacted. Any thread; a line is written whole.
// A reader that stalls costs at most 10 ms per line, then lines are dropped and counted. It keeps no files
// and rotates nothing: that is the service manager's task.
#pragma once

#include "cluster/time.hpp"

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace stentor::log {

enum class level : uint8_t { debug, info, warn, error };
enum class format : uint8_t { text, json };
std::string_view to_string(level x) noexcept;
std::string_view to_string(format x) noexcept;

/// One key and its value; a view of both, valid for the call. Keys are our own words: `[a-z_]`.
class field {
public:
  using value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  field(std::string_view key, std::string_view text) : key_{key}, value_{text} {}
  field(std::string_view key, const std::string &text) : field{key, std::string_view{text}} {}
  field(std::string_view key, const char *text) : field{key, std::string_view{text ? text : ""}} {}
  field(std::string_view key, bool x) : key_{key}, value_{x} {}
  field(std::string_view key, std::signed_integral auto x) : key_{key}, value_{static_cast<int64_t>(x)} {}
  field(std::string_view key, std::unsigned_integral auto x) : key_{key}, value_{static_cast<uint64_t>(x)} {}
  field(std::string_view key, std::floating_point auto x) : key_{key}, value_{static_cast<double>(x)} {}
  /// Ids and other things that know their text.
  template <class T>
  requires requires(const T &x) {
    { x.str() } -> std::same_as<const std::string &>;
  }
  field(std::string_view key, const T &x) : field{key, std::string_view{x.str()}} {}

  std::string_view key() const noexcept { return key_; }
  const value &get() const noexcept { return value_; }

private:
  std::string_view key_;
  value value_;
};
using fields = std::initializer_list<field>;

/// Sets what is written and how. Before the first thread starts.
void configure(level least, format form);

/// Whether a line of `x` would be written; for callers that would have to prepare a costly value.
bool is_on(level x) noexcept;

/// Writes one line. `component` is who says it (`connection`), `event` what happened, for machines
/// (`device.closed`): both are our own words.
void write(level x, std::string_view component, std::string_view event, fields values = {});

inline void debug(std::string_view component, std::string_view event, fields values = {}) {
  if (is_on(level::debug))
    write(level::debug, component, event, values);
}
inline void info(std::string_view component, std::string_view event, fields values = {}) {
  write(level::info, component, event, values);
}
inline void warn(std::string_view component, std::string_view event, fields values = {}) {
  write(level::warn, component, event, values);
}
inline void error(std::string_view component, std::string_view event, fields values = {}) {
  write(level::error, component, event, values);
}

/// For what a client can cause as often as it likes: writes at most one line a second and says with the next
/// how many it kept to itself (`suppressed`). One object an event; any thread.
class once_a_second {
public:
  void write(time_point now, level x, std::string_view component, std::string_view event, fields values = {});
  void warn(time_point now, std::string_view component, std::string_view event, fields values = {}) {
    write(now, level::warn, component, event, values);
  }

private:
  std::atomic<int64_t> next_{INT64_MIN}; ///< ticks of the monotonic clock
  std::atomic<uint64_t> suppressed_{0};
};

// -- the deps, for tests ----

/// The line `write` would write, without its line feed; at most 4,000 bytes.
std::string render_line(format form, wall_ms now, level x, std::string_view component, std::string_view event,
                        fields values, uint64_t suppressed = 0);

/// `text` with what looks like a credential replaced: `token=…` in a query, `Bearer …`, a JWT.
std::string redact(std::string_view text);

} // namespace stentor::log
