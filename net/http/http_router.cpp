// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_router.hpp"

#include "cluster/percent.hpp"

namespace stentor::net {

namespace {

std::string_view name_of(http_method method) noexcept {
  switch (method) {
  case http_method::get:
    return "GET, HEAD";
  case http_method::head:
    return "HEAD";
  case http_method::post:
    return "POST";
  case http_method::put:
    return "PUT";
  case http_method::patch:
    return "PATCH";
  case http_method::delete_:
    return "DELETE";
  case http_method::options:
    return "OPTIONS";
  case http_method::other:
    break;
  }
  return {};
}

/// The first segment of `rest`, which starts with '/'; removes it.
std::string_view next_segment(std::string_view &rest) noexcept {
  rest.remove_prefix(1);
  auto segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

/// Whether `path` has the form of `pattern`; the values of its parameters, still encoded, go to `values`.
bool fits(std::string_view pattern, std::string_view path,
          std::array<std::string_view, http_match::max_params> &values) noexcept {
  size_t count = 0;
  while (!pattern.empty() && !path.empty()) {
    auto expected = next_segment(pattern);
    if (expected == "*")
      return true;
    auto segment = next_segment(path);
    if (expected.starts_with('{')) {
      if (segment.empty() || count == values.size())
        return false;
      values[count++] = segment;
    } else if (segment != expected) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

} // namespace

void http_router::add(http_method method, std::string_view pattern, int route) {
  entries_.push_back({method, pattern, route});
}

http_match http_router::match(http_method method, std::string_view path) const {
  http_match result;
  if (!path.starts_with('/'))
    return result;
  if (method == http_method::head)
    method = http_method::get;
  for (auto &entry : entries_) {
    std::array<std::string_view, http_match::max_params> values;
    if (!fits(entry.pattern, path, values))
      continue;
    if (entry.method != method) {
      result.what = http_match::kind::no_method;
      if (!result.allow.empty())
        result.allow += ", ";
      result.allow += name_of(entry.method);
      continue;
    }
    result.what = http_match::kind::found;
    result.route = entry.route;
    result.allow.clear();
    for (size_t i = 0; i < values.size() && !values[i].empty(); ++i) {
      if (!percent_decode(values[i], result.params[i])) {
        result.what = http_match::kind::bad_path;
        break;
      }
    }
    return result;
  }
  return result;
}

} // namespace stentor::net
