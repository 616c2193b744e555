// SPDX-License-Identifier: Apache-2.0
// The table of settings: for each one its name, how its text is read, checked and shown, and a sentence for
// people. Internal to the configuration; built once, read by one thread.
#pragma once

#include "actors/config/config.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stentor {

/// What a setting's text may not be: the sentence says what is allowed. Nothing where the text was taken.
using refusal = std::optional<std::string>;

struct setting {
  std::string name;    ///< of the flag without its dashes, and of the key in the file
  std::string section; ///< heading in --help and the documentation
  std::string allowed; ///< what its values may be, for people
  std::string help;    ///< one sentence
  /// Reads one value's text into the configuration; for a list, adds it.
  std::function<refusal(config &, std::string_view)> read;
  /// The effective value as the file would hold it; secrets as `set`.
  std::function<std::string(const config &)> show;
  std::function<void(config &)> clear{}; ///< lists only: flags replace what the file said
  std::string default_text{};            ///< for the documentation, where the default depends on the host
  bool is_switch = false;                ///< true or false; as a flag it needs no value
  bool is_secret = false;                ///< never repeated in a complaint

  bool is_list() const noexcept { return clear != nullptr; }
};

/// All settings, in the order of the documentation.
std::span<const setting> all_settings();
const setting *find_setting(std::string_view name);
/// The known name that differs least from `name`; empty where none is near.
std::string nearest_setting(std::string_view name);

// -- the settings of actors/config/config_access.cpp ----
setting dev_auth();
setting api_key();
setting token_key();
setting allow_origin();

/// Adds a token key; `secret` is the key itself, `@file` names a file that holds it.
refusal add_token_key(config &conf, std::string_view kid, std::string_view algorithm,
                      std::string_view secret);

// -- the settings of actors/config/config_cluster.cpp ----
setting directory_place();
setting cluster_name();
setting peer_listen();
setting peer_advertise();
setting peer_ca();
setting peer_cert();
setting peer_key();
setting insecure_peers();
/// What these settings demand of each other: (good, setting, what is wrong otherwise).
void check_cluster(const config &conf,
                   const std::function<void(bool, const char *, std::string)> &refuse_unless);

// -- the sources; each appends one line a complaint ----
void read_file(config &conf, const std::string &path, std::vector<std::string> &complaints);
/// Checks between settings.
void check_together(config &conf, std::vector<std::string> &complaints);

} // namespace stentor
