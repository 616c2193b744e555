// SPDX-License-Identifier: Apache-2.0
#include "net/client/reconnect_policy.hpp"

#include <algorithm>

namespace stentor::net::client {

using std::chrono::milliseconds;

namespace {

/// What a server may ask for at most: its word is not trusted with more.
constexpr milliseconds longest_goaway{600'000};
constexpr milliseconds longest_retry_after{3'600'000};

constexpr auto first_final_code = static_cast<uint16_t>(close_code::superseded);

bool is_final(const client_end &end) noexcept {
  switch (end.how) {
  case client_end::kind::closed:
    return static_cast<uint16_t>(end.code) >= first_final_code;
  case client_end::kind::refused:
    // The other 4xx say that this device, so configured, is not wanted: asking again changes nothing.
    return end.http_status >= 400 && end.http_status < 500 && end.http_status != 408 &&
           end.http_status != 425 && end.http_status != 429;
  case client_end::kind::unreachable:
  case client_end::kind::lost:
    return false;
  }
  return false;
}

} // namespace

reconnect_policy::reconnect_policy(options opts, size_t addresses, uint64_t seed)
    : options_{opts}, addresses_{std::max<size_t>(addresses, 1)}, random_{seed}, address_{random_() %
                                                                                          addresses_} {}

time_point reconnect_policy::on_goaway(milliseconds reconnect_in, time_point now) noexcept {
  leave_at_ = now + std::min(reconnect_in, longest_goaway);
  return *leave_at_;
}

std::optional<reconnect_policy::attempt> reconnect_policy::on_end(const client_end &end, time_point now) {
  auto leave_at = std::exchange(leave_at_, std::nullopt);
  auto welcomed = std::exchange(welcomed_, std::nullopt);
  if (is_final(end))
    return std::nullopt;
  if (welcomed && now - *welcomed >= options_.stable)
    failures_ = 0;
  // Those of one node go to all the others: with the next of a list that all have, they would meet at one.
  auto step =
      welcomed && addresses_ > 2 ? std::uniform_int_distribution<size_t>{1, addresses_ - 1}(random_) : 1;
  address_ = (address_ + step) % addresses_;
  if (leave_at) { // asked to leave: the server has spread the times already
    auto left = std::chrono::ceil<milliseconds>(*leave_at - now);
    return attempt{std::max(left, milliseconds{0}), address_};
  }
  auto is_overloaded = end.how == client_end::kind::closed && end.code == close_code::overloaded;
  auto wait = jittered(is_overloaded ? options_.overloaded : options_.base);
  ++failures_;
  if (end.retry_after_s > 0) {
    auto asked = std::min<milliseconds>(std::chrono::seconds{end.retry_after_s}, longest_retry_after);
    wait += asked; // never before, and not all at once
  }
  return attempt{wait, address_};
}

milliseconds reconnect_policy::jittered(milliseconds base) {
  auto ceiling = base;
  for (unsigned i = 0; i < failures_ && ceiling < options_.cap; ++i)
    ceiling *= 2;
  ceiling = std::min(ceiling, options_.cap);
  return milliseconds{std::uniform_int_distribution<int64_t>{0, ceiling.count()}(random_)};
}

} // namespace stentor::net::client
