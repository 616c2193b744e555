// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_values.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include <sys/stat.h>
#include <unistd.h>

namespace stentor {

namespace {

struct unit {
  std::string_view name;
  uint64_t factor;
};
// Smallest first: the printers look for the largest that divides.
constexpr std::array<unit, 4> duration_units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<unit, 4> size_units{{{"", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1ull << 30}}};

std::optional<uint64_t> with_unit(std::string_view text, std::span<const unit> units) {
  auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  auto number = count_from(digits);
  auto suffix = text.substr(digits.size());
  auto match = std::ranges::find(units, suffix, &unit::name);
  if (!number || match == units.end() || *number > std::numeric_limits<uint64_t>::max() / match->factor)
    return std::nullopt;
  return *number * match->factor;
}

std::string in_largest(uint64_t value, std::span<const unit> units) {
  auto best = units.front();
  for (auto &x : units)
    if (value != 0 && value % x.factor == 0)
      best = x;
  return std::to_string(value / best.factor) + std::string{best.name};
}

} // namespace

std::optional<uint64_t> count_from(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<double> number_from(std::string_view text) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string to_text(double x) {
  std::array<char, 64> buffer;
  auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::string{"0"};
}

std::optional<std::chrono::milliseconds> duration_from(std::string_view text) {
  auto ms = with_unit(text, duration_units);
  if (!ms || *ms > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return std::nullopt;
  return std::chrono::milliseconds{static_cast<int64_t>(*ms)};
}

std::string to_text(std::chrono::milliseconds x) {
  return in_largest(static_cast<uint64_t>(x.count()), duration_units);
}

std::optional<uint64_t> size_from(std::string_view text) {
  return with_unit(text, size_units);
}

std::string size_text(uint64_t bytes) {
  return in_largest(bytes, size_units);
}

bool is_origin(std::string_view text) {
  auto sep = text.find("://");
  if (sep == 0 || sep == std::string_view::npos || text.size() > 300)
    return false;
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::strchr(".-:[]+", c) != nullptr;
  };
  auto host = text.substr(sep + 3);
  return !host.empty() && std::ranges::all_of(text.substr(0, sep), allowed) &&
         std::ranges::all_of(host, allowed);
}

node_id host_node_id() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
    return node_id::trusted("node");
  auto text = std::string{name.data()}.substr(0, std::min<size_t>(std::strlen(name.data()), max_id_bytes));
  for (auto &c : text)
    if (!is_valid_id({&c, 1}))
      c = '-';
  return node_id::trusted(std::move(text));
}

caf::expected<std::string> read_text(const std::string &path, size_t most) {
  auto file = std::unique_ptr<FILE, int (*)(FILE *)>{std::fopen(path.c_str(), "rbe"), &std::fclose};
  struct stat info {};
  if (!file || fstat(fileno(file.get()), &info) != 0)
    return make_error(errc::config, path + ": " + std::strerror(errno));
  if (S_ISDIR(info.st_mode))
    return make_error(errc::config, path + ": is a directory");
  // Read and not sized: a pipe or /dev/fd is a file too.
  std::string text(most + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return make_error(errc::config, path + ": " + std::strerror(errno));
  if (text.size() > most)
    return make_error(errc::config, path + ": larger than " + size_text(most));
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::array<char, 8> code;
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned char>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

} // namespace stentor
