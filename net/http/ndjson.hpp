// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines: NDJSON as it arrives. Keeps only the current incomplete line, bounded; a
// longer one is reported once and skipped. Pure, one owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stentor::net {

class ndjson_splitter {
public:
  explicit ndjson_splitter(size_t max_line_bytes) noexcept : max_{max_line_bytes} {}

  /// Calls `on_line(std::string_view line, bool too_long)` for each line in `bytes`, without its LF or CRLF;
  /// blank lines are passed over, a line too long is shown empty. `on_line` returns false to stop behind its
  /// line. Returns the bytes done with. A line is valid during the call, with 64 readable bytes behind it
  /// where `bytes` has them (simdjson).
  template <class OnLine>
  size_t feed(std::string_view bytes, OnLine &&on_line) {
    size_t used = 0;
    while (used < bytes.size()) {
      auto rest = bytes.substr(used);
      auto end = rest.find('\n');
      if (end == rest.npos) {
        keep(rest);
        return bytes.size();
      }
      used += end + 1;
      auto line = rest.substr(0, end);
      if (!partial_.empty() || skipping_) {
        keep(line);
        if (!flush(on_line))
          return used;
      } else if (!show(line, line.size() > max_ + 1, on_line)) {
        return used;
      }
    }
    return used;
  }

  /// The input is over: a last line without a line end. False where `on_line` returned false.
  template <class OnLine>
  bool finish(OnLine &&on_line) {
    return (partial_.empty() && !skipping_) || flush(on_line);
  }

  /// Bytes of the line under way that are kept.
  size_t kept() const noexcept { return partial_.size(); }

private:
  void keep(std::string_view part) {
    // One byte more than the longest line: the CR that may stand behind it.
    if (skipping_ || partial_.size() + part.size() > max_ + 1) {
      skipping_ = true;
      partial_ = {};
      return;
    }
    partial_.reserve(partial_.size() + part.size() + 64);
    partial_ += part;
  }

  template <class OnLine>
  bool flush(OnLine &on_line) {
    auto line = std::move(partial_);
    partial_ = {};
    auto too_long = skipping_;
    skipping_ = false;
    return show(line, too_long, on_line);
  }

  template <class OnLine>
  bool show(std::string_view line, bool too_long, OnLine &on_line) {
    if (!too_long && line.ends_with('\r'))
      line.remove_suffix(1);
    if (too_long || line.size() > max_)
      return on_line(std::string_view{}, true);
    if (line.find_first_not_of(" \t") == line.npos)
      return true;
    return on_line(line, false);
  }

  size_t max_;
  std::string partial_;
  bool skipping_ = false; ///< inside a line that is too long
};

} // namespace stentor::net
