// SPDX-License-Identifier: Apache-2.0
// The node's configuration: defaults, then a TOML file, then flags. One table of settings
// (actors/config/config_settings.cpp) drives the file, the flags, --help, --print-config and
// docs/configuration.md. Read once on the main thread before anything starts, immutable afterwards. It does
// not build what it describes: keys are checked for shape here and parsed by `net::token_verifier`.
#pragma once

#include "actors/telemetry/log.hpp"
#include "cluster/ids.hpp"
#include "cluster/limits.hpp"
#include "net/address.hpp"
#include "net/token.hpp"

#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stentor {

/// What makes a node one of several.
struct cluster_config {
  std::string name;                ///< empty: alone
  net::socket_address peer_listen; ///< 127.0.0.1:7402
  std::string peer_advertise;      ///< empty: `peer_listen`
  std::string ca, cert, key;       ///< PEM files; empty: no TLS
  bool insecure_peers = false;
};

struct config {
  node_id node;                      ///< the host's name made a valid id
  net::socket_address device_listen; ///< 127.0.0.1:7400
  net::socket_address api_listen;    ///< 127.0.0.1:7401
  std::string directory;             ///< a Redis URL, perhaps with a password; empty: embedded
  cluster_config cluster;
  size_t loops = 1; ///< default: one per core this process may use
  bool dev_auth = false;
  log::level log_level = log::level::info;
  log::format log_format = log::format::text;
  std::vector<std::string> api_keys;
  std::vector<net::token_key> token_keys;
  std::vector<std::string> allow_origins; ///< scheme://host[:port], compared as text
  limits lim;

  /// Where each setting's value comes from: `file:line` or `flag`; absent means default.
  std::map<std::string, std::string, std::less<>> sources;
  /// What is allowed but probably not meant; to be logged once at start.
  std::vector<std::string> warnings;
};

/// The configuration before file and flags: the struct's defaults, this host's name and cores.
config default_config();

/// What the command line asks for.
struct launch {
  config conf;
  bool run = true; ///< false: print `text` and exit 0 (--help, --version, --print-config)
  std::string text;
};

/// Reads `argv` and the file it may name. `errc::config` carries one line for each wrong value: where, the
/// value, what is allowed. Print it and exit with 2.
caf::expected<launch> read_command_line(int argc, const char *const *argv);

/// Every setting's effective value and where it comes from, one a line in the form of the file; secrets as
/// `set`.
std::string print_config(const config &conf);

/// The tables of docs/configuration.md.
std::string settings_markdown();

} // namespace stentor
