// SPDX-License-Identifier: Apache-2.0
// The settings that make a node one of several: where presence is kept, who its peers are, how they prove it.
#include "actors/config/config_settings.hpp"
#include "actors/config/config_values.hpp"
#include "storage/redis_url.hpp"

#include <filesystem>

namespace stentor {

namespace {

constexpr auto section = "Cluster";
constexpr auto name_rule = "empty, or 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -";

setting text_setting(const char *name, std::string cluster_config::*member, const char *allowed,
                     const char *help, std::function<refusal(std::string_view)> check) {
  return {name,
          section,
          allowed,
          help,
          [=](config &c, std::string_view text) -> refusal {
            if (auto no = check(text))
              return no;
            c.cluster.*member = text;
            return {};
          },
          [=](const config &c) { return in_quotes(c.cluster.*member); }};
}

setting file_setting(const char *name, std::string cluster_config::*member, const char *help) {
  return text_setting(name, member, "a readable file", help, [](std::string_view text) -> refusal {
    std::error_code error;
    if (!text.empty() && !std::filesystem::is_regular_file(std::string{text}, error))
      return "a readable file";
    return {};
  });
}

} // namespace

setting directory_place() {
  const auto *allowed = "memory, redis://[user:password@]host:port[/db] or unix:///path[?db=n]";
  return {"directory",
          "Node",
          allowed,
          "Where presence is stored: `memory` is embedded and for a single node, Redis is for several nodes.",
          [=](config &c, std::string_view text) -> refusal {
            if (text != "memory") {
              auto url = storage::parse_redis_url(text);
              if (!url)
                return std::string{allowed} + " (" + render(url.error()) + ")";
            }
            c.directory = text == "memory" ? "" : std::string{text};
            return {};
          },
          [](const config &c) {
            return in_quotes(
                c.directory.empty() ? "memory" : "redis://" + storage::parse_redis_url(c.directory)->shown());
          }};
}

setting cluster_name() {
  return text_setting(
      "cluster", &cluster_config::name, name_rule,
      "The cluster this node belongs to; empty for a standalone node. Peers of another cluster are refused.",
      [](std::string_view text) -> refusal {
        if (!text.empty() && !is_valid_id(text))
          return name_rule;
        return {};
      });
}

setting peer_listen() {
  const auto *allowed = "a numeric address and port, such as 10.0.0.5:7402; port 0 takes a free one";
  return {"peer-listen",
          section,
          allowed,
          "The address that the other nodes connect to.",
          [=](config &c, std::string_view text) -> refusal {
            auto x = net::parse_address(text);
            if (!x)
              return allowed;
            c.cluster.peer_listen = *x;
            return {};
          },
          [](const config &c) { return in_quotes(net::to_string(c.cluster.peer_listen)); }};
}

setting peer_advertise() {
  return text_setting("peer-advertise", &cluster_config::peer_advertise,
                      "a numeric address and port, or empty",
                      "The address that the other nodes should connect to, if it is not `peer-listen`.",
                      [](std::string_view text) -> refusal {
                        if (!text.empty() && !net::parse_address(text))
                          return "a numeric address and port, or empty";
                        return {};
                      });
}

setting peer_ca() {
  return file_setting("peer-ca", &cluster_config::ca,
                      "Certificate (PEM) of the cluster's own CA; if set, links between nodes use TLS, and "
                      "each peer must present a certificate signed by this CA.");
}

setting peer_cert() {
  return file_setting("peer-cert", &cluster_config::cert,
                      "This node's certificate (PEM), signed by `peer-ca`.");
}

setting peer_key() {
  return file_setting("peer-key", &cluster_config::key, "The private key (PEM) of `peer-cert`.");
}

setting insecure_peers() {
  setting s{
      "insecure-peers",
      section,
      "true or false",
      "Allow peers without TLS beyond loopback: anyone who reaches `peer-listen` can then control this node.",
      [](config &c, std::string_view text) -> refusal {
        if (text != "true" && text != "false")
          return "true or false";
        c.cluster.insecure_peers = text == "true";
        return {};
      },
      [](const config &c) { return std::string{c.cluster.insecure_peers ? "true" : "false"}; }};
  s.is_switch = true;
  return s;
}

void check_cluster(const config &conf,
                   const std::function<void(bool, const char *, std::string)> &refuse_unless) {
  auto &c = conf.cluster;
  refuse_unless(!conf.directory.empty() || c.name.empty(), "cluster",
                "needs a directory that all nodes share: --directory redis://host:port");
  refuse_unless(!conf.directory.empty() == !c.name.empty(), "directory",
                "a Redis directory needs a cluster name: --cluster NAME");
  if (c.name.empty())
    return;
  auto tls = !c.ca.empty() || !c.cert.empty() || !c.key.empty();
  refuse_unless(!tls || (!c.ca.empty() && !c.cert.empty() && !c.key.empty()), "peer-ca",
                "peer-ca, peer-cert and peer-key must be set together");
  refuse_unless(tls || c.insecure_peers || c.peer_listen.is_loopback(), "peer-listen",
                "beyond loopback, peers need TLS (peer-ca, peer-cert, peer-key): without it anyone who "
                "reaches this address can control the node; insecure-peers allows that");
}

} // namespace stentor
