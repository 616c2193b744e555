// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/stentor_target.hpp"

#include "cluster/errc.hpp"
#include "net/client/blocking.hpp"
#include "net/token.hpp"

#include <chrono>
#include <ctime>
#include <random>

namespace stentor::bench {

caf::expected<std::unique_ptr<stentor_target>> stentor_target::start(const options &how, access by) {
  std::random_device random;
  std::string secret;
  while (secret.size() < 48)
    secret += "0123456789abcdef"[random() % 16];
  std::vector<std::string> arguments{how.server_program,
                                     "--node-id=bench",
                                     "--loops=1",
                                     "--directory=memory",
                                     "--device-listen=127.0.0.1:0",
                                     "--api-listen=127.0.0.1:0",
                                     "--log-level=warn",
                                     "--message-rate=0",
                                     "--accept-rate=1000000"};
  arguments.push_back(by == access::development ? "--dev-auth" : "--token-key=bench:HS256:" + secret);
  arguments.insert(arguments.end(), how.server_arguments.begin(), how.server_arguments.end());
  auto process = server_process::run({arguments, how.server_core, -1, how.server_log});
  if (!process)
    return std::move(process.error());
  std::unique_ptr<stentor_target> target{new stentor_target{std::move(*process), std::move(secret)}};
  if (auto failed = target->try_out(by))
    return failed;
  return target;
}

caf::error stentor_target::try_out(access by) const {
  using net::client::blocking_device;
  using net::client::client_end;
  constexpr std::chrono::seconds patience{5};
  auto connect = [&](const char *device) -> caf::expected<std::unique_ptr<blocking_device>> {
    net::client::device_options who;
    who.at = device_address();
    who.host = net::to_string(device_address());
    if (by == access::tokens) {
      auto signed_token = token(device, "try-out");
      if (!signed_token)
        return std::move(signed_token.error());
      who.token = std::move(*signed_token);
    } else {
      who.device = device;
      who.account = "try-out";
    }
    client_end end;
    auto made = blocking_device::connect(who, &end);
    if (!made)
      return make_error(errc::io, "trying it out: cannot connect, HTTP " + std::to_string(end.http_status) +
                                      " " + end.reason);
    if (auto welcome = (*made)->next(net::server_frame::kind::welcome, patience); !welcome)
      return make_error(errc::io, "trying it out: no welcome");
    return made;
  };
  auto sender = connect("try-out-1");
  if (!sender)
    return std::move(sender.error());
  auto receiver = connect("try-out-2");
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

caf::expected<std::string> stentor_target::token(const std::string &device,
                                                 const std::string &account) const {
  auto sub = device_id::make(device);
  auto acc = account_id::make(account);
  if (!sub || !acc)
    return make_error(errc::invalid_id);
  auto now = static_cast<int64_t>(std::time(nullptr));
  return net::sign_token({"bench", net::token_algorithm::hs256, secret_}, {*sub, *acc, now + 24 * 3600, {}},
                         now);
}

} // namespace stentor::bench
