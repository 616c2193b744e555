// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/survivors.hpp"

#include "tests/bench/measure.hpp"

#include <algorithm>
#include <chrono>

namespace stentor::bench {

namespace {

using net::client::client_end;

time_point at(uint64_t ns) noexcept {
  return time_point{std::chrono::nanoseconds{ns}};
}

client_end end_of(const connection &c) {
  client_end end;
  end.how = client_end::kind::lost;
  if (c.said.http_status != 0)
    end.how = client_end::kind::refused;
  else if (c.said.close_code != 0)
    end.how = client_end::kind::closed;
  end.http_status = c.said.http_status;
  end.retry_after_s = c.said.retry_after_s;
  end.code = static_cast<net::close_code>(c.said.close_code);
  return end;
}

} // namespace

survivors::survivors(fleet &devices, std::vector<net::socket_address> elsewhere, uint64_t seed, backoff how)
    : fleet_(devices), elsewhere_(std::move(elsewhere)) {
  devices_.reserve(devices.size());
  for (uint64_t i = 0; i < devices.size(); ++i)
    devices_.push_back({net::client::reconnect_policy{how, elsewhere_.size(), seed + i}});
  fleet_.listen_to(this);
}

survivors::~survivors() {
  fleet_.listen_to(nullptr);
}

uint64_t survivors::open_due(uint64_t now_ns, uint64_t at_most_ns) {
  while (!due_.empty() && due_.top().first <= now_ns) {
    auto &c = fleet_.at(due_.top().second);
    due_.pop();
    devices_[c.index].tried_at_ns = now_ns;
    if (!fleet_.open(c)) {
      ++failed_tries_;
      try_later(c, now_ns);
    }
  }
  return due_.empty() ? at_most_ns : std::min(at_most_ns, due_.top().first - now_ns);
}

void survivors::on_ready(connection &c) {
  auto now = steady_ns();
  auto &x = devices_[c.index];
  x.policy.on_welcome(at(now));
  if (x.lost_at_ns == 0)
    return;
  away_.record(now - std::exchange(x.lost_at_ns, 0));
  back_.record(now - first_loss_ns_);
  wait_.record(now - x.tried_at_ns);
  last_return_ns_ = now;
}

void survivors::on_lost(connection &c, std::string_view) {
  auto now = steady_ns();
  auto &x = devices_[c.index];
  if (x.lost_at_ns == 0) {
    ++lost_;
    x.lost_at_ns = now;
    if (first_loss_ns_ == 0)
      first_loss_ns_ = now;
  } else {
    ++failed_tries_;
  }
  try_later(c, now);
}

void survivors::try_later(connection &c, uint64_t now_ns) {
  auto next = devices_[c.index].policy.on_end(end_of(c), at(now_ns));
  if (!next) // told never to come again: it stays away, and is missed
    return;
  fleet_.set_server(c, elsewhere_[next->address]);
  due_.emplace(now_ns + static_cast<uint64_t>(std::chrono::nanoseconds{next->after}.count()), c.index);
}

} // namespace stentor::bench
