// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_text.hpp"

#include "net/codec/json_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace stentor::net {

std::string_view status_phrase(int status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 410:
    return "Gone";
  case 411:
    return "Length Required";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 417:
    return "Expectation Failed";
  case 422:
    return "Unprocessable Content";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  }
  return "Status";
}

std::string error_body(std::string_view code, std::string_view message) {
  std::string body{R"({"error":{"code":)"};
  append_json_string(body, code);
  body += R"(,"message":)";
  append_json_string(body, message);
  body += "}}";
  return body;
}

bool is_token(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos);
}

std::string_view next_element(std::string_view &list) noexcept {
  while (!list.empty()) {
    auto element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(element.size() + 1, list.size()));
    auto first = element.find_first_not_of(" \t");
    if (first == element.npos)
      continue;
    return element.substr(first, element.find_last_not_of(" \t") + 1 - first);
  }
  return {};
}

bool lists_element(std::string_view list, std::string_view lower) noexcept {
  for (auto element = next_element(list); !element.empty(); element = next_element(list))
    if (equals_lower(element, lower))
      return true;
  return false;
}

bool equals_lower(std::string_view a, std::string_view lower) noexcept {
  if (a.size() != lower.size())
    return false;
  for (size_t i = 0; i < a.size(); ++i) {
    auto c = a[i];
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    if (c != lower[i])
      return false;
  }
  return true;
}

wall_ms http_date::system_clock() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string_view http_date::line(time_point now) {
  if (now < stale_at_)
    return line_;
  auto wall = clock_();
  stale_at_ = now + std::chrono::milliseconds{1000 - wall % 1000};
  auto seconds = static_cast<std::time_t>(wall / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  // Not strftime: its names of days and months follow the process's locale.
  static constexpr const char *days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char *months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                days[parts.tm_wday % 7], parts.tm_mday, months[parts.tm_mon % 12], parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  line_ = text.data();
  return line_;
}

} // namespace stentor::net
