// SPDX-License-Identifier: Apache-2.0
// The settings that say who may come in: they are lists, and secrets that are never shown.
#include "actors/config/config_settings.hpp"
#include "actors/config/config_values.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stentor {

namespace {

constexpr size_t most_key_file_bytes = 64 * 1024;
constexpr size_t least_api_key_bytes = 16;

const std::array<std::pair<const char *, net::token_algorithm>, 3> algorithms{
    {{"HS256", net::token_algorithm::hs256},
     {"RS256", net::token_algorithm::rs256},
     {"ES256", net::token_algorithm::es256}}};

/// The key `text` is, or the lines of the file it names.
caf::expected<std::vector<std::string>> keys_of(std::string_view text) {
  if (!text.starts_with('@'))
    return std::vector{std::string{text}};
  auto file = read_text(std::string{text.substr(1)}, most_key_file_bytes);
  if (!file)
    return file.error();
  std::vector<std::string> keys;
  for (size_t at = 0; at < file->size();) {
    auto end = std::min(file->find('\n', at), file->size());
    auto line = file->substr(at, end - at);
    if (line.ends_with('\r'))
      line.pop_back();
    if (!line.empty() && line.front() != '#')
      keys.push_back(std::move(line));
    at = end + 1;
  }
  return keys;
}

} // namespace

setting dev_auth() {
  setting s{"dev-auth",
            "Access",
            "true or false",
            "Development mode: accept `?device=…&account=…` without a token and require no API key. Refused "
            "unless both listeners are on loopback.",
            [](config &c, std::string_view text) -> refusal {
              if (text != "true" && text != "false")
                return "true or false";
              c.dev_auth = text == "true";
              return {};
            },
            [](const config &c) { return std::string{c.dev_auth ? "true" : "false"}; }};
  s.is_switch = true;
  return s;
}

setting api_key() {
  const auto *allowed = "16 to 256 visible ASCII characters, or @file with one key per line";
  setting s{"api-key",
            "Access",
            allowed,
            "A key back ends may present as `Authorization: Bearer …`. Repeatable.",
            [=](config &c, std::string_view text) -> refusal {
              auto keys = keys_of(text);
              if (!keys)
                return std::string{allowed} + " (" + render(keys.error()) + ")";
              for (auto &key : *keys)
                if (key.size() < least_api_key_bytes || key.size() > 256 ||
                    !std::ranges::all_of(key, [](char x) { return x > ' ' && x < 0x7f; }))
                  return allowed;
              if (keys->empty())
                return std::string{allowed} + " (the file contains no key)";
              c.api_keys.insert(c.api_keys.end(), keys->begin(), keys->end());
              return {};
            },
            [](const config &c) {
              std::string text;
              for (size_t i = 0; i < c.api_keys.size(); ++i)
                text += i == 0 ? "set" : ", set";
              return "[" + text + "]";
            }};
  s.clear = [](config &c) { c.api_keys.clear(); };
  s.is_secret = true;
  return s;
}

setting token_key() {
  setting s{"token-key",
            "Access",
            "kid:HS256|RS256|ES256:secret, or @file in place of the secret",
            "A key that signs device tokens: a secret of at least 32 bytes or a PEM public key; an empty kid "
            "is for tokens without a kid. Repeatable; in the file also as `[[token_keys]]`.",
            [](config &c, std::string_view text) -> refusal {
              // From the left: a secret may hold colons, a kid may not.
              auto first = text.find(':');
              auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
              if (second == std::string_view::npos)
                return "kid:algorithm:secret or kid:algorithm:@file";
              return add_token_key(c, text.substr(0, first), text.substr(first + 1, second - first - 1),
                                   text.substr(second + 1));
            },
            [](const config &c) {
              std::string text;
              for (auto &key : c.token_keys)
                text +=
                    (text.empty() ? "" : ", ") +
                    in_quotes(key.kid + ":" + algorithms[static_cast<size_t>(key.algorithm)].first + ":set");
              return "[" + text + "]";
            }};
  s.clear = [](config &c) { c.token_keys.clear(); };
  s.is_secret = true;
  return s;
}

setting allow_origin() {
  const auto *allowed = "scheme://host or scheme://host:port in lower case, without path";
  setting s{"allow-origin",
            "Access",
            allowed,
            "A web origin whose pages may connect; any other `Origin` is refused. Repeatable.",
            [=](config &c, std::string_view text) -> refusal {
              if (!is_origin(text))
                return allowed;
              c.allow_origins.emplace_back(text);
              return {};
            },
            [](const config &c) {
              std::string text;
              for (auto &origin : c.allow_origins)
                text += (text.empty() ? "" : ", ") + in_quotes(origin);
              return "[" + text + "]";
            }};
  s.clear = [](config &c) { c.allow_origins.clear(); };
  return s;
}

refusal add_token_key(config &conf, std::string_view kid, std::string_view algorithm,
                      std::string_view secret) {
  if (kid.size() > max_id_bytes || !std::ranges::all_of(kid, [](char x) { return x > ' ' && x < 0x7f; }))
    return "a kid of at most 128 visible characters";
  auto match = std::ranges::find(algorithms, algorithm, [](auto &x) { return std::string_view{x.first}; });
  if (match == algorithms.end())
    return "one of the algorithms HS256, RS256, ES256";
  auto material = std::string{secret};
  if (secret.starts_with('@')) {
    auto file = read_text(material.substr(1), most_key_file_bytes);
    if (!file)
      return "a readable key file (" + render(file.error()) + ")";
    material = std::move(*file);
    // Editors end a file with a line feed that is no part of the secret.
    if (match->second == net::token_algorithm::hs256)
      while (material.ends_with('\n') || material.ends_with('\r'))
        material.pop_back();
  }
  if (match->second == net::token_algorithm::hs256) {
    if (material.size() < 32)
      return "a secret of at least 32 bytes";
    if (material.starts_with("-----BEGIN"))
      return "a secret that is not a PEM key: a public key used as an HS256 secret would let anyone sign "
             "tokens";
  } else if (material.find("-----BEGIN ") == std::string::npos) {
    return "a PEM public key, preferably as @file";
  } else if (material.find("PRIVATE KEY") != std::string::npos) {
    return "a public key; the private key stays with the service that signs tokens";
  }
  if (std::ranges::any_of(conf.token_keys, [&](auto &key) { return key.kid == kid; }))
    return "a kid that no other key uses";
  conf.token_keys.push_back({std::string{kid}, match->second, std::move(material)});
  return {};
}

} // namespace stentor
