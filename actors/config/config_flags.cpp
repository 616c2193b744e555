// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_settings.hpp"
#include "actors/config/config_values.hpp"

#include <CLI/CLI.hpp>

namespace stentor {

namespace {

constexpr auto about = "stentord runs one node of a Stentor push cluster: devices connect over WebSocket, "
                       "back ends push over HTTP, and every sender receives a verdict on its message.";

constexpr auto examples = R"(Examples:
  stentord --dev-auth                            everything on loopback, for a first try
  stentord --config /etc/stentor/stentor.toml    settings from a file, flags override them
  stentord --device-listen 0.0.0.0:7400 --token-key app-1:HS256:@/etc/stentor/app-1.secret
  stentord --config stentor.toml --print-config  the effective settings and their sources

A file uses the same names without the leading dashes: max-frame-bytes = "64KiB".
All settings: docs/configuration.md)";

/// What CLI11 found, as texts; read by our own table afterwards.
struct raw_flags {
  std::string file;
  bool print = false;
  bool version = false;
  std::map<std::string, std::vector<std::string>> values;
};

void declare(CLI::App &app, raw_flags &raw, const config &defaults) {
  app.add_option("--config", raw.file, "Read settings from this TOML file.")->type_name("FILE");
  app.add_flag("--print-config", raw.print, "Print every effective value and its source, then exit.");
  app.add_flag("--version", raw.version, "Print the version, then exit.");
  for (auto &s : all_settings()) {
    auto shown = s.default_text.empty() ? s.show(defaults) : s.default_text;
    std::erase(shown, '"'); // as a shell would have it
    auto help = s.help + (s.is_list() ? "" : " Default: " + shown);
    auto &values = raw.values[s.name];
    if (s.is_switch) {
      // A switch is a value that may be left out, so that a flag can also turn off what the file turned on.
      app.add_option_function<std::string>(
             "--" + s.name, [&values](const std::string &x) { values.push_back(x.empty() ? "true" : x); },
             help)
          ->expected(0, 1)
          ->type_name("[true|false]")
          ->group(s.section);
    } else {
      auto *option = app.add_option("--" + s.name, values, help)->type_name("VALUE")->group(s.section);
      option->allow_extra_args(false);
      if (!s.is_list())
        option->multi_option_policy(CLI::MultiOptionPolicy::Throw)->expected(1);
    }
  }
  app.footer(examples);
  app.allow_extras(); // so that an unknown flag can be answered with its nearest name
}

void complain_extras(const std::vector<std::string> &extras, std::vector<std::string> &complaints) {
  for (auto &extra : extras) {
    if (!extra.starts_with("--")) {
      // The value of an unknown flag is no second mistake.
      if (complaints.empty())
        complaints.push_back(in_quotes(extra) + " is not a flag; stentord --help lists them");
      continue;
    }
    auto name = extra.substr(2, extra.find('=') - 2);
    auto near = nearest_setting(name);
    complaints.push_back("unknown flag --" + name +
                         (near.empty() ? "; stentord --help lists all" : ", did you mean --" + near + "?"));
  }
}

void read_flags(config &conf, const raw_flags &raw, std::vector<std::string> &complaints) {
  for (auto &s : all_settings()) {
    auto &values = raw.values.at(s.name);
    if (values.empty())
      continue;
    // Flags replace the file's list: who names keys on the command line means these.
    if (s.is_list())
      s.clear(conf);
    for (auto &value : values)
      if (auto no = s.read(conf, value))
        complaints.push_back("--" + s.name + (s.is_secret ? "" : " " + in_quotes(value)) + ": expected " +
                             *no);
    conf.sources[s.name] = "flag";
  }
}

caf::error to_error(const std::vector<std::string> &complaints) {
  std::string text;
  for (auto &line : complaints)
    text += (text.empty() ? "" : "\n") + line;
  return make_error(errc::config, std::move(text));
}

} // namespace

caf::expected<launch> read_command_line(int argc, const char *const *argv) {
  launch result{.conf = default_config(), .text = {}};
  raw_flags raw;
  CLI::App app{about, "stentord"};
  declare(app, raw, result.conf);
  std::vector<std::string> complaints;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    return launch{.conf = std::move(result.conf), .run = false, .text = app.help()};
  } catch (const CLI::ParseError &err) {
    return make_error(errc::config, err.what());
  }
  if (raw.version)
    return launch{.conf = std::move(result.conf), .run = false, .text = "stentord " STENTOR_VERSION "\n"};
  complain_extras(app.remaining(), complaints);
  if (!raw.file.empty())
    read_file(result.conf, raw.file, complaints);
  read_flags(result.conf, raw, complaints);
  // Checks between settings would only repeat what is wrong with one of them.
  if (complaints.empty())
    check_together(result.conf, complaints);
  if (!complaints.empty())
    return to_error(complaints);
  if (raw.print) {
    result.run = false;
    result.text = print_config(result.conf);
  }
  return result;
}

} // namespace stentor
