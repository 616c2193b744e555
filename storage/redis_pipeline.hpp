// SPDX-License-Identifier: Apache-2.0
// Commands for Redis in its wire format, and replies as values: what the directory and the connection share,
// so that only redis_connection.cpp knows hiredis. Values, one owner each.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::storage {

/// One reply, as deep as it came. Accessors of another kind's value answer the empty value: what a server
/// sends is never trusted to have the shape asked for.
struct redis_reply {
  enum class kind : uint8_t { nil, text, integer, error, array };
  kind type = kind::nil;
  int64_t integer = 0;
  std::string text; ///< of a text, status or error
  std::vector<redis_reply> elements;

  bool is_error() const noexcept { return type == kind::error; }
  bool is_nil() const noexcept { return type == kind::nil; }
  /// The element, or a nil where there are fewer.
  const redis_reply &at(size_t index) const noexcept;
};

/// Some commands to be sent at once. At most `max_commands` a pipeline: 1,000 binds, so that a Redis far away
/// costs them one round trip. It reads some 16 KB at a time and serves others in between: they wait 1.7 ms at
/// 99 %, 0.9 behind pipelines of 128, and no longer at most (redis_figures).
class redis_pipeline {
public:
  static constexpr size_t max_commands = 2048;

  void add(std::span<const std::string_view> words);
  void add(std::initializer_list<std::string_view> words) { add(std::span{words.begin(), words.size()}); }

  /// `EVALSHA sha count keys… arguments…`.
  void eval(std::string_view sha, std::span<const std::string> keys, std::span<const std::string> arguments);

  size_t size() const noexcept { return ends_.size(); }
  bool empty() const noexcept { return ends_.empty(); }
  std::string_view bytes() const noexcept { return bytes_; }
  /// The bytes of one command.
  std::string_view command(size_t index) const noexcept;
  /// Adds a command of another pipeline as it is.
  void add_encoded(std::string_view command);

private:
  void word(std::string_view text);
  std::string bytes_;
  std::vector<size_t> ends_; ///< behind each command
};

} // namespace stentor::storage
