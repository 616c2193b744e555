// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/crowd_child.hpp"

#include "tests/bench/device_dialect.hpp"
#include "tests/bench/node_access.hpp"
#include "tests/bench/survivors.hpp"
#include "tests/bench/wave.hpp"

#include <cstdio>
#include <iostream>
#include <optional>
#include <sys/socket.h>

namespace stentor::bench {

namespace {

constexpr uint32_t devices_an_account = 3;
constexpr uint64_t look_every_ns = 5'000'000; ///< for a command, while devices rest

std::string sixteen(char kind, uint32_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "%c-%014u", kind, number);
  return name;
}

crowd_report connect(fleet &f, size_t at_once) {
  auto wave = open_wave(f, {}, at_once, {}, true);
  if (!wave)
    return {.failed = true};
  return {.wait_p50_ns = wave->wait.percentile(0.5),
          .wait_p99_ns = wave->wait.percentile(0.99),
          .tried_again = wave->lost};
}

void add_survival(crowd_report &out, const survivors &x) {
  out.lost = x.lost();
  out.failed_tries = x.failed_tries();
  out.first_loss_ns = x.first_loss_ns();
  out.last_return_ns = x.last_return_ns();
  out.away_p50_ns = x.away().percentile(0.5);
  out.away_p99_ns = x.away().percentile(0.99);
  out.away_max_ns = x.away().max();
  out.back_p50_ns = x.back().percentile(0.5);
  out.back_p99_ns = x.back().percentile(0.99);
  out.try_p50_ns = x.wait().percentile(0.5);
  out.try_p99_ns = x.wait().percentile(0.99);
}

} // namespace

std::string crowd_device_name(uint32_t number) {
  return sixteen('d', number);
}

std::string crowd_account_name(uint32_t number) {
  return sixteen('a', number / devices_an_account);
}

int run_crowd(const crowd_plan &plan) {
  auto server = net::parse_address(plan.server);
  if (!server)
    return 2;
  std::vector<net::socket_address> others;
  for (auto &text : plan.others) {
    auto other = net::parse_address(text);
    if (!other)
      return 2;
    others.push_back(*other);
  }
  auto access = node_access::with_secret(plan.secret);
  std::vector<std::string> tokens;
  for (uint32_t i = 0; i < plan.devices; ++i) {
    auto token = access.token(crowd_device_name(plan.first + i), crowd_account_name(plan.first + i));
    if (!token)
      return 1;
    tokens.push_back(std::move(*token));
  }
  device_dialect speaks{{format::msgpack, 'd', want::none, std::move(tokens)}};
  fleet devices{static_cast<uint8_t>(plan.source_net)};
  for (uint32_t i = 0; i < plan.devices; ++i)
    devices.add(speaks, *server);
  std::cout << "ready device=" << plan.server << std::endl;

  crowd_report last;
  std::optional<survivors> returning;
  for (;;) {
    char command = 0;
    auto n = ::recv(plan.control_fd, &command, 1, MSG_DONTWAIT);
    if (n == 0)
      break;
    if (n < 0) {
      devices.turn(returning ? returning->open_due(steady_ns(), look_every_ns) : look_every_ns);
      continue;
    }
    switch (static_cast<crowd_command>(command)) {
    case crowd_command::connect:
      returning.reset();
      last = connect(devices, plan.at_once);
      break;
    case crowd_command::survive:
      if (others.empty())
        return 2;
      returning.emplace(devices, others, plan.first, survivors::backoff{});
      break;
    case crowd_command::report:
      break;
    }
    if (returning)
      add_survival(last, *returning);
    last.connected = devices.ready_count();
    if (::send(plan.control_fd, &last, sizeof last, MSG_NOSIGNAL) != sizeof last)
      break;
  }
  devices.close_all(true);
  return 0;
}

} // namespace stentor::bench
