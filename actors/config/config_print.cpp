// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_settings.hpp"

#include <algorithm>

namespace stentor {

std::string print_config(const config &conf) {
  // Sources stand in one column, except beside a value that would push all others away.
  constexpr size_t column = 40;
  std::string text;
  for (auto &s : all_settings()) {
    auto line = s.name + " = " + s.show(conf);
    line.resize(std::max(line.size(), column), ' ');
    auto source = conf.sources.find(s.name);
    text += line + "  # " + (source == conf.sources.end() ? "default" : source->second) + "\n";
  }
  return text;
}

std::string settings_markdown() {
  const auto defaults = default_config();
  std::string text;
  std::string section;
  for (auto &s : all_settings()) {
    if (s.section != section) {
      section = s.section;
      text += "\n### " + section + "\n\n| setting | default | allowed | meaning |\n|---|---|---|---|\n";
    }
    auto shown = s.default_text.empty() ? "`" + s.show(defaults) + "`" : s.default_text;
    // A bar would end the cell.
    auto cell = [](std::string x) {
      for (size_t at = 0; (at = x.find('|', at)) != std::string::npos; at += 2)
        x.insert(at, "\\");
      return x;
    };
    text += "| `" + s.name + "` | " + shown + " | " + cell(s.allowed) + " | " + cell(s.help) + " |\n";
  }
  return text;
}

void check_together(config &conf, std::vector<std::string> &complaints) {
  auto where = [&](const char *name) {
    auto source = conf.sources.find(name);
    if (source == conf.sources.end())
      return std::string{name} + " (default)";
    return source->second == "flag" ? "--" + std::string{name} : source->second + ": " + name;
  };
  auto refuse_unless = [&](bool good, const char *name, const std::string &text) {
    if (!good)
      complaints.push_back(where(name) + " = " + find_setting(name)->show(conf) + ": " + text);
  };
  const auto &l = conf.lim;
  check_cluster(conf, refuse_unless);
  refuse_unless(
      !conf.dev_auth || (conf.device_listen.is_loopback() && conf.api_listen.is_loopback()), "dev-auth",
      "allowed only if both listeners are on loopback, but device-listen is " +
          net::to_string(conf.device_listen) + " and api-listen is " + net::to_string(conf.api_listen));
  refuse_unless(conf.device_listen.port() == 0 ||
                    net::to_string(conf.device_listen) != net::to_string(conf.api_listen),
                "api-listen", "must not be device-listen's address");
  refuse_unless(l.default_timeout <= l.max_timeout, "default-timeout", "must not be above max-timeout");
  refuse_unless(l.session_dither < l.session_lifetime, "session-dither", "must be below session-lifetime");
  // Any message a device may send must fit into what another may have waiting.
  refuse_unless(l.max_frame_bytes <= l.max_cork_bytes, "max-cork-bytes", "must not be below max-frame-bytes");
  refuse_unless(l.max_body_bytes <= l.max_cork_bytes, "max-cork-bytes", "must not be below max-body-bytes");
  refuse_unless(l.max_body_bytes <= l.max_batch_bytes, "max-batch-bytes", "must not be below max-body-bytes");
  refuse_unless(l.max_frame_bytes <= l.inbox_bytes, "inbox-bytes", "must not be below max-frame-bytes");

  if (conf.dev_auth)
    conf.warnings.push_back(
        "dev-auth is on: anyone who reaches a loopback address can connect as any device");
  else if (conf.token_keys.empty())
    conf.warnings.push_back("no token-key: no device can connect");
  if (!conf.dev_auth && conf.api_keys.empty())
    conf.warnings.push_back("no api-key: every back-end request is answered with 401");
  if (l.max_frame_bytes > l.max_flow_bytes)
    conf.warnings.push_back("max-frame-bytes is above max-flow-bytes: the largest messages get `congested` "
                            "while their route is unknown");
}

} // namespace stentor
