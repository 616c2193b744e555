// SPDX-License-Identifier: Apache-2.0
#include "net/http/push_api.hpp"

#include "net/codec/json_writer.hpp"
#include "net/http/query.hpp"

#include <algorithm>
#include <charconv>

namespace stentor::net {

namespace {

constexpr http_problem bad_query{400, "malformed", "the query cannot be decoded"};
constexpr http_problem bad_want{400, "malformed", "`want` is not one of written, acked, errors, none"};
constexpr http_problem bad_timeout{400, "malformed", "`timeout_ms` is not an integer from 0 to 2147483647"};
constexpr http_problem bad_ttl{400, "malformed", "`ttl_ms` is not an integer from 0 to 2147483647"};

bool read_milliseconds(std::string_view text, std::optional<uint32_t> &out) noexcept {
  uint32_t x = 0;
  auto end = text.data() + text.size();
  auto [p, error] = std::from_chars(text.data(), end, x);
  if (error != std::errc{} || p != end || x >= uint32_t{1} << 31)
    return false;
  out = x;
  return true;
}

} // namespace

const http_problem *read_push_query(std::string_view query, push_options &out) {
  if (query.empty())
    return nullptr;
  auto wants = find_parameter(query, "want");
  auto timeout = find_parameter(query, "timeout_ms");
  auto ttl = find_parameter(query, "ttl_ms");
  if (wants.is_broken() || timeout.is_broken() || ttl.is_broken())
    return &bad_query;
  if (wants.what != query_parameter::kind::absent) {
    auto w = want_from(wants.value);
    if (!w)
      return &bad_want;
    out.wants = *w;
  }
  if (timeout.what != query_parameter::kind::absent && !read_milliseconds(timeout.value, out.timeout_ms))
    return &bad_timeout;
  if (ttl.what != query_parameter::kind::absent && !read_milliseconds(ttl.value, out.ttl_ms))
    return &bad_ttl;
  return nullptr;
}

bool is_push_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= max_key_bytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void append_outcome(std::string &out, const message_id &id, const outcome &result, uint32_t total_us) {
  auto integer = [&out](uint64_t x) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
  };
  if (!out.ends_with('{'))
    out += ',';
  auto printed = to_chars(id);
  out += R"("id":")";
  out.append(printed.data(), printed.size());
  out += R"(","verdict":")";
  out += to_string(result.what);
  if (result.what == verdict::unreachable) {
    out += R"(","at":")";
    out += to_string(result.at);
  }
  out += '"';
  if (result.by.ep != 0) {
    // A node's id needs no escapes.
    out += R"(,"via":{"node":")";
    out += result.by.node.str();
    out += R"(","epoch":)";
    integer(result.by.ep);
    out += '}';
  }
  if (result.first) {
    out += R"(,"first":")";
    out += to_string(*result.first);
    out += '"';
  }
  if (result.detail) {
    out += R"(,"detail":)";
    append_json_string(out, result.detail);
  }
  out += R"(,"us":{"total":)";
  integer(total_us);
  out += R"(,"target":)";
  integer(result.target_us);
  out += "}}";
}

int push_status(const outcome &result) noexcept {
  if (result.what == verdict::duplicate && !result.first)
    return 409;
  // By text: a detail that crossed nodes is not the same pointer.
  if (result.what == verdict::invalid && result.detail &&
      std::string_view{result.detail} == details::other_body)
    return 422;
  return http_status(result.what);
}

} // namespace stentor::net
