// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_settings.hpp"
#include "actors/config/config_values.hpp"

#include <array>
#include <sstream>

#include <toml++/toml.h>

namespace stentor {

namespace {

constexpr size_t most_file_bytes = 1024 * 1024;

/// One file being read: where complaints go and how its lines are named.
struct reader {
  config &conf;
  const std::string &path;
  std::vector<std::string> &complaints;

  std::string at(const toml::source_region &where) const {
    return path + ":" + std::to_string(where.begin.line);
  }
  void complain(const toml::node &node, const std::string &text) {
    complaints.push_back(at(node.source()) + ": " + text);
  }
};

/// A scalar as the text a flag would have; nothing for tables, arrays and dates.
std::optional<std::string> text_of(const toml::node &node) {
  if (auto *x = node.as_string())
    return x->get();
  if (auto *x = node.as_integer())
    return std::to_string(x->get());
  if (auto *x = node.as_floating_point())
    return to_text(x->get());
  if (auto *x = node.as_boolean())
    return x->get() ? "true" : "false";
  return std::nullopt;
}

void read_value(reader &r, const setting &s, const toml::node &node) {
  auto text = text_of(node);
  if (!text)
    return r.complain(node, s.name + ": expected " + s.allowed);
  if (auto no = s.read(r.conf, *text))
    r.complain(node, s.name + " = " + (s.is_secret ? "(secret)" : in_quotes(*text)) + ": expected " + *no);
  r.conf.sources[s.name] = r.at(node.source());
}

void read_setting(reader &r, const setting &s, const toml::node &node) {
  auto *list = node.as_array();
  if (!list)
    return read_value(r, s, node);
  if (!s.is_list())
    return r.complain(node, s.name + ": takes one value, not a list; expected " + s.allowed);
  for (auto &entry : *list)
    read_value(r, s, entry);
}

/// `[[token_keys]]` with kid, algorithm and either secret or file.
void read_token_keys(reader &r, const toml::node &node) {
  auto *list = node.as_array();
  if (!list)
    return r.complain(node, "token_keys: must be a list of tables, each starting with [[token_keys]]");
  for (auto &entry : *list) {
    auto *table = entry.as_table();
    if (!table) {
      r.complain(entry, "token_keys: must contain tables, each starting with [[token_keys]]");
      continue;
    }
    constexpr std::array<std::string_view, 4> known{"kid", "algorithm", "secret", "file"};
    std::array<std::string, 4> values;
    auto good = true;
    for (auto &&[key, value] : *table) {
      auto match = std::ranges::find(known, key.str());
      auto *text = value.as_string();
      if (match == known.end() || !text) {
        r.complain(value, "token_keys." + std::string{key.str()} +
                              (text ? ": unknown key; valid keys are kid, algorithm, secret, file"
                                    : ": must be a string"));
        good = false;
      } else {
        values[static_cast<size_t>(match - known.begin())] = text->get();
      }
    }
    auto &[kid, algorithm, secret, file] = values;
    if (!good)
      continue;
    if (secret.empty() == file.empty()) {
      r.complain(entry, "token_keys: set either secret or file");
      continue;
    }
    if (auto no = add_token_key(r.conf, kid, algorithm, file.empty() ? secret : "@" + file))
      r.complain(entry, "token_keys, kid " + in_quotes(kid) + ", algorithm " + in_quotes(algorithm) +
                            ": expected " + *no);
    r.conf.sources["token-key"] = r.at(entry.source());
  }
}

} // namespace

void read_file(config &conf, const std::string &path, std::vector<std::string> &complaints) {
  auto text = read_text(path, most_file_bytes);
  if (!text) {
    complaints.push_back(render(text.error()));
    return;
  }
  auto r = reader{conf, path, complaints};
  try {
    auto root = toml::parse(*text, path);
    for (auto &&[key, node] : root) {
      auto name = std::string{key.str()};
      if (name == "token_keys") {
        read_token_keys(r, node);
      } else if (auto *s = find_setting(name)) {
        read_setting(r, *s, node);
      } else {
        auto near = nearest_setting(name);
        complaints.push_back(
            r.at(key.source()) + ": unknown setting " + in_quotes(name) +
            (near.empty() ? "; stentord --help lists all" : ", did you mean " + in_quotes(near) + "?"));
      }
    }
  } catch (const toml::parse_error &err) {
    complaints.push_back(r.at(err.source()) + ": " + std::string{err.description()});
  }
}

} // namespace stentor
