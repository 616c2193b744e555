// SPDX-License-Identifier: Apache-2.0
// How a line looks; no output here.
#include "actors/telemetry/log.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace stentor::log {

namespace {

// A pipe that is ready takes PIPE_BUF (4,096) bytes without blocking: a line must stay below.
constexpr size_t most_line_bytes = 4000;
constexpr size_t most_value_bytes = 600;

/// Values of these keys are never written, whatever they look like.
constexpr std::array<std::string_view, 7> secret_keys{"token",   "secret",        "password", "api_key",
                                                      "api-key", "authorization", "cookie"};

/// `text` with everything escaped that could end a value, a line or steer a terminal. Bytes above 0x7e too:
/// an invalid UTF-8 sequence would make the line invalid JSON, and no value of ours needs them.
void append_escaped(std::string &out, std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"._:@-/+"}.find(c) != std::string_view::npos;
  });
}

void append_text(std::string &out, format form, std::string_view text) {
  auto shown = redact(text.substr(0, most_value_bytes));
  if (form == format::text && is_plain(shown)) {
    out += shown;
    return;
  }
  out += '"';
  append_escaped(out, shown);
  if (text.size() > most_value_bytes)
    out += "...";
  out += '"';
}

struct value_writer {
  std::string &out;
  format form;

  void operator()(std::string_view x) const { append_text(out, form, x); }
  void operator()(int64_t x) const { out += std::to_string(x); }
  void operator()(uint64_t x) const { out += std::to_string(x); }
  void operator()(bool x) const { out += x ? "true" : "false"; }
  void operator()(double x) const {
    // JSON has no word for these.
    if (std::isfinite(x))
      out += fmt::format("{:.6g}", x);
    else
      out += "null";
  }
};

void append_time(std::string &out, wall_ms now) {
  auto seconds = static_cast<time_t>(now / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now % 1000);
}

/// Where the credential that starts at `at` ends.
size_t credential_end(std::string_view text, size_t at) {
  return std::min(text.find_first_of("& \t\r\n\"',;#", at), text.size());
}

bool is_same_letters(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::ranges::equal(a, lower, [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
         });
}

} // namespace

std::string_view to_string(level x) noexcept {
  switch (x) {
  case level::debug:
    return "debug";
  case level::info:
    return "info";
  case level::warn:
    return "warn";
  case level::error:
    return "error";
  }
  return "error";
}

std::string_view to_string(format x) noexcept {
  switch (x) {
  case format::text:
    return "text";
  case format::json:
    return "json";
  }
  return "text";
}

std::string redact(std::string_view text) {
  constexpr std::array<std::string_view, 4> openings{"token=", "bearer ", "secret=", "api-key="};
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    auto opening = std::ranges::find_if(
        openings, [&](std::string_view x) { return is_same_letters(text.substr(at, x.size()), x); });
    auto start = opening == openings.end() ? at : at + opening->size();
    auto end = credential_end(text, start);
    // `eyJ` is how the base64 of `{"` starts and two dots follow: a JWT, wherever it stands.
    auto is_jwt = text.substr(at, 3) == "eyJ" && std::ranges::count(text.substr(at, end - at), '.') == 2;
    if (opening == openings.end() && !is_jwt) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, start - at);
    out += "[redacted]";
    at = end;
  }
  return out;
}

std::string render_line(format form, wall_ms now, level x, std::string_view component, std::string_view event,
                        fields values, uint64_t suppressed) {
  auto json = form == format::json;
  std::string out;
  out.reserve(200);
  out += json ? "{\"time\":\"" : "";
  append_time(out, now);
  if (json) {
    fmt::format_to(std::back_inserter(out), R"(","level":"{}","component":"{}","event":"{}")", to_string(x),
                   component, event);
  } else {
    fmt::format_to(std::back_inserter(out), " {:<5} {} {}", to_string(x), component, event);
  }
  auto add = [&](std::string_view key, const field::value &value) {
    auto before = out.size();
    out += json ? ",\"" : " ";
    out += key;
    out += json ? "\":" : "=";
    if (std::ranges::find(secret_keys, key) != secret_keys.end())
      out += json ? "\"[redacted]\"" : "[redacted]";
    else
      std::visit(value_writer{out, form}, value);
    // A pair that does not fit goes as a whole: half of one would not parse.
    if (out.size() + 40 > most_line_bytes)
      out.resize(before);
  };
  if (suppressed > 0)
    add("suppressed", suppressed);
  for (auto &f : values)
    add(f.key(), f.get());
  if (json)
    out += '}';
  return out;
}

} // namespace stentor::log
