// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/own_counters.hpp"

#include "net/client/blocking.hpp"
#include "tests/bench/floor_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

namespace stentor::bench {

namespace {

/// `/metrics`; empty where it does not answer.
std::string exposition_of(const net::socket_address &api) {
  net::client::http_options how;
  how.at = api;
  how.host = net::to_string(api);
  how.timeout = std::chrono::seconds{2};
  auto client = net::client::blocking_http::make(how);
  if (!client)
    return {};
  auto answer = (*client)->get("/metrics");
  return answer && answer->status == 200 ? std::string{answer->body} : std::string{};
}

} // namespace

uint64_t own_system_calls(const floor_counters &floor) noexcept {
  return floor.polls + floor.receives + floor.sends + floor.accepts;
}

uint64_t own_system_calls(const net::socket_address &api) {
  return sum_of_io_calls(exposition_of(api));
}

uint64_t own_counter(const net::socket_address &api, std::string_view name) {
  return sum_of_counters(exposition_of(api), {&name, 1});
}

uint64_t sum_of_io_calls(std::string_view exposition) {
  static constexpr std::array<std::string_view, 4> names{
      "stentor_io_polls_total", "stentor_io_receives_total", "stentor_io_sends_total",
      "stentor_io_accepts_total"};
  return sum_of_counters(exposition, names);
}

uint64_t sum_of_counters(std::string_view exposition, std::span<const std::string_view> names) {
  double sum = 0;
  while (!exposition.empty()) {
    auto line = exposition.substr(0, exposition.find('\n'));
    exposition.remove_prefix(std::min(exposition.size(), line.size() + 1));
    for (auto name : names)
      if (line.starts_with(name) && (line[name.size()] == ' ' || line[name.size()] == '{'))
        sum += std::strtod(std::string{line.substr(line.rfind(' ') + 1)}.c_str(), nullptr);
  }
  return static_cast<uint64_t>(sum);
}

} // namespace stentor::bench
