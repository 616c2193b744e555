// SPDX-License-Identifier: Apache-2.0
// What stentorctl does, without its command line: each command takes its options and two streams and returns
// an exit code. Blocking, one thread, every wait bounded. docs/stentorctl.md is the text for users.
#pragma once

#include "cluster/envelope.hpp"
#include "net/token.hpp"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace stentor::net::client {

/// The exit codes of stentorctl; a value is never reused for another meaning.
enum class exit_code : int {
  good = 0,           ///< done; a message was delivered or stored
  not_delivered = 1,  ///< certainly not delivered, not connected, or the node refused
  usage = 2,          ///< wrong options or input
  unknown = 3,        ///< the outcome is unknown
  cannot_connect = 4, ///< nothing answers at the address
};

struct console {
  std::ostream &out;
  std::ostream &err;
  bool json = false; ///< one JSON object a line instead of text for people
};

/// Where back ends talk to a node.
struct api_options {
  std::string url = "http://127.0.0.1:7401";
  std::string key;
  std::chrono::milliseconds timeout{35000}; ///< longer than any message's
};

/// Where and as whom a device connects.
struct device_target {
  std::string url = "ws://127.0.0.1:7400/v1/connect";
  std::string token;           ///< else, on a node in development mode:
  std::string device, account; ///< `account` may be empty
  std::string resume;
  format encoding = format::json;
  std::chrono::milliseconds timeout{10000}; ///< to connect and be welcomed
};

/// How to send one message.
struct message_options {
  std::string to;
  std::string data;     ///< JSON, or any other text, which is sent as a JSON string
  bool is_text = false; ///< a string in any case
  bool to_account = false;
  bool except_me = false;
  std::string want = "written";
  std::string key;
  std::optional<uint32_t> ttl_ms;
  std::optional<uint32_t> timeout_ms;
};

struct token_options {
  std::string algorithm = "HS256";
  std::string material; ///< the secret or the PEM private key
  std::string kid;
  std::string device, account;
  std::vector<std::string> targets; ///< accounts, or a single "*"
  int64_t lifetime_s = 3600;
};

/// Prints frames as they come and sends the lines read from `input`, until `/quit`, the end of the input or
/// of the connection. At the end of the input it waits for verdicts still owed.
exit_code run_connect(console &io, const device_target &who, int input);

/// Connects, sends one message, prints its verdict.
exit_code run_send(console &io, const device_target &who, const message_options &what);

/// Pushes as a back end.
exit_code run_push(console &io, const api_options &api, const message_options &what);
/// The record beside the sessions; good where they match, not_delivered where there is neither, else unknown.
exit_code run_device(console &io, const api_options &api, const std::string &device);
exit_code run_devices(console &io, const api_options &api, const std::string &account);
exit_code run_actors(console &io, const api_options &api, uint32_t top);
/// Good where the node is alive and ready.
exit_code run_health(console &io, const api_options &api);

// -- the operator of a cluster ----
/// The cluster as the asked node sees it.
exit_code run_nodes(console &io, const api_options &api);
/// Which slots; nothing set: how many each node owns.
struct slots_options {
  std::optional<uint32_t> number;
  std::string device;
  std::string without; ///< a node: what would move if it left
};
exit_code run_slots(console &io, const api_options &api, const slots_options &what);
/// Asks `node` to drain, through the asked node where that is another one. `over` like 30s, empty: as
/// configured.
exit_code run_drain(console &io, const api_options &api, const std::string &node, const std::string &over);

/// Prints a signed token valid from `now_s` (seconds since 1970).
exit_code run_token(console &io, const token_options &what, int64_t now_s);

} // namespace stentor::net::client
