// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/try_out.hpp"

#include "cluster/errc.hpp"
#include "net/client/blocking.hpp"

#include <chrono>

namespace stentor::bench {

namespace {

using net::client::blocking_device;
constexpr std::chrono::seconds patience{5};

caf::expected<std::unique_ptr<blocking_device>> connect(const net::socket_address &at, const char *device,
                                                        const node_access &access) {
  net::client::device_options who;
  who.at = at;
  who.host = net::to_string(at);
  if (access.has_tokens()) {
    auto token = access.token(device, "try-out");
    if (!token)
      return std::move(token.error());
    who.token = std::move(*token);
  } else {
    who.device = device;
    who.account = "try-out";
  }
  net::client::client_end end;
  auto made = blocking_device::connect(who, &end);
  if (!made)
    return make_error(errc::io, "trying it out: cannot connect, HTTP " + std::to_string(end.http_status) +
                                    " " + end.reason);
  if (auto welcome = (*made)->next(net::server_frame::kind::welcome, patience); !welcome)
    return make_error(errc::io, "trying it out: no welcome");
  return made;
}

} // namespace

caf::error try_out(const net::socket_address &from, const net::socket_address &to,
                   const node_access &access) {
  auto sender = connect(from, "try-out-1", access);
  if (!sender)
    return std::move(sender.error());
  auto receiver = connect(to, "try-out-2", access);
  if (!receiver)
    return std::move(receiver.error());
  net::client_frame message;
  message.id = "1";
  message.to_device = "try-out-2";
  message.data = "\x01";
  (*sender)->send(message);
  auto said = (*sender)->next(net::server_frame::kind::verdict, patience);
  auto came = (*receiver)->next(net::server_frame::kind::msg, patience);
  if (!said || said->result != verdict::written || !came || came->data != message.data)
    return make_error(errc::io, "trying it out: a message from one device to another was not written");
  return {};
}

} // namespace stentor::bench
